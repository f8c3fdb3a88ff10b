"""Settings: relaxed JSON in, frozen values or every problem of the file out.

relaxed -> environment -> shape (pydantic) -> job | daemon | server; check looks at any of the
three. Nothing here starts anything: what a setting means while the program runs is decided further
up.
"""
