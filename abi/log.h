/* Levels of the log: chosen by the host (boot_info.log_level), obeyed by the body. */
#ifndef DIATOM_ABI_LOG_H
#define DIATOM_ABI_LOG_H

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

#endif
