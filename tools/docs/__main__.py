"""`make docs`: write every generated page anew, and say which ones changed."""

import sys

from tools.docs.pages import PAGES, REPOSITORY


def main() -> int:
    """Write the pages; 0 when all could be made."""
    for name, make in PAGES.items():
        path, text = REPOSITORY / name, make()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
