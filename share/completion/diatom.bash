# Completion for bash. What there is to choose from is asked of diatom's own help, so it is always
# this diatom's.
_diatom()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} choice help

	COMPREPLY=()
	if [ "$COMP_CWORD" = 1 ]; then
		choice=$("$1" --help 2>/dev/null | sed -nE '/^  diatom /{s///;s/  .*//;s/ *\| */\n/g;p}' | sed 's/ .*//')
		mapfile -t COMPREPLY < <(compgen -W "$choice" -- "$word")
		return
	fi
	help=$("$1" "${COMP_WORDS[1]}" --help 2>/dev/null </dev/null)
	if [[ $word == -* ]]; then
		choice=$(grep -oE -- '--[a-z][a-z-]*' <<<"$help")
		mapfile -t COMPREPLY < <(compgen -W "$choice" -- "$word" | sort -u)
	elif [[ $before == --* ]]; then
		# --as vm|process
		choice=$(sed -nE "s/.*$before ([a-z]+(\|[a-z]+)+).*/\1/p" <<<"$help" | head -n 1)
		mapfile -t COMPREPLY < <(compgen -W "${choice//|/ }" -- "$word")
	fi
}
complete -o bashdefault -o default -F _diatom diatom
