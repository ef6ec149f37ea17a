"""What an operator lists with commas."""


def listed(text: str) -> list[str]:
    """Its parts, each once, in the order written: `a, b,,a` is a and b."""
    return list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
