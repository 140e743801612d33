# For Cython this folder is a package. For Python only the installed one is, so that a checkout never hides it.
