# Completion for fish. What there is to choose from is asked of diatom's own help, so it is always
# this diatom's.
function __diatom_help
	set -l words (commandline -opc)
	$words[1] $words[2] --help 2>/dev/null </dev/null
end

function __diatom_commands
	set -l words (commandline -opc)
	$words[1] --help 2>/dev/null | sed -nE '/^  diatom /{s///;s/  .*//;s/ *\| */\n/g;p}' |
		sed 's/ .*//' | sort -u
end

function __diatom_options
	__diatom_help | grep -oE -- '--[a-z][a-z-]*' | sort -u
end

# --as vm|process
function __diatom_values
	set -l before (commandline -opc)[-1]
	string match -q -- '--*' $before; or return
	__diatom_help | string replace -rf -- ".*$before ([a-z]+(\|[a-z]+)+).*" '$1' | head -n 1 |
		string split '|'
end

complete -c diatom -n __fish_use_subcommand -f -a '(__diatom_commands)'
complete -c diatom -n 'not __fish_use_subcommand; and string match -q -- "-*" (commandline -ct)' -f \
	-a '(__diatom_options)'
complete -c diatom -n 'not __fish_use_subcommand' -a '(__diatom_values)'
