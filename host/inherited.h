/*
 * What a careless parent left us, put in order before anything else happens.
 */
#ifndef DIATOM_HOST_INHERITED_H
#define DIATOM_HOST_INHERITED_H

/*
 * Opens /dev/null in place of standard descriptors that are closed: a tap or file opened later would
 * otherwise become descriptor 1 or 2, and get the body's console or our errors. Unblocks all signals,
 * on which --timeout and INT depend.
 */
void inherited_mend(void);

#endif
