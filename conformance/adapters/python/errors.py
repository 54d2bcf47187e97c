"""What the parts of this target raise instead of returning."""


class Coded(Exception):
    """A reaction or result that has a name of the error registry (chapter 20)."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Ruling(Exception):
    """A verdict other than accept on a signed object."""

    def __init__(self, verdict, code):
        super().__init__(verdict + " " + code)
        self.verdict = verdict
        self.code = code


class Refused(Exception):
    """The adapter request cannot be carried out as it stands; nothing has changed."""


class Unsupported(Exception):
    """This target does not do what the adapter request asks for."""
