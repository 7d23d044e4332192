/*
 * The commands about runs that have a name. Each gets the words after its own, and returns the exit
 * code of the process.
 */
#ifndef DIATOM_HOST_NAMED_COMMANDS_H
#define DIATOM_HOST_NAMED_COMMANDS_H

int ps_command(int argc, char **argv);
int logs_command(int argc, char **argv);
int stop_command(int argc, char **argv);
int rm_command(int argc, char **argv);
int stats_command(int argc, char **argv);

#endif
