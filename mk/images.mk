# The images of app/: app/NAME/main.c becomes build/images/NAME, by `diatom build`.
.PHONY: images
images:
