"""Notebooks on the site: sharp figures, and no word on how the kernel is reached."""

c = get_config()  # noqa: F821
c.IPKernelApp.log_level = 40
c.InlineBackend.figure_formats = {"retina"}
