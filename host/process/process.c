#include "host/process/process.h"
#include "host/report.h"
int process_run(const struct run_config *config, struct image *image)
{
	return report_error(EXIT_HOST_LACKS, NULL, "the process target is not in this build");
}
