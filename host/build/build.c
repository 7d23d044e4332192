/* The order of a build: see build.h. */
#include "host/build/build.h"

#include "host/build/request.h"
#include "host/build/work.h"

static bool build(struct work *work)
{
	return compile_sources(work) && files_embed(work) && compile_about(work) &&
		link_image(work) && seal_image(work);
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
	is_good = build(&work);
	work_end(&work);
	return is_good ? 0 : 1;
}
