/* The order of a build: see build.h. */
#include "host/build/build.h"

#include <signal.h>

#include "host/build/request.h"
#include "host/build/work.h"

static bool build(struct work *work)
{
	return compile_sources(work) && files_embed(work) && compile_about(work) &&
	       link_image(work) && seal_image(work);
}

static void interrupt(int number)
{
	command_is_interrupted = number;
}

int build_command(int argc, char **argv)
{
	static struct request request;
	static struct work work;
	bool is_done, is_good;
	int code = request_parse(&request, argc, argv, &is_done);

	if (is_done)
		return code;
	if (!work_begin(&work, &request))
		return 1;
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
	is_good = build(&work);
	work_end(&work);
	if (command_is_interrupted)
		return 128 + command_is_interrupted;
	return is_good ? 0 : 1;
}
