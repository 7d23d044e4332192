# Debian packages: installed when missing, with a word about it. See tools/setup.
