"""The blank page on which the built bundle is drawn, with a stand-in for the kernel."""
