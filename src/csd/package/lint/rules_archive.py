"""Rules about the layout of a zip (1xx), its safety (5xx) and size (6xx)."""

from csd.package.lint.rule import Rule

_SAFE = "Do not install it; zip plain files anew, or ask whoever publishes it."
_BOUNDS = "csd's own bounds for what strangers send; a zip that node and desk read differently hides what is installed."

NO_INSTALL = Rule("CSD101", "error", "A zip needs install.sh or install.ps1 at its root.",
    "Add it; the agent runs it as root in the folder of the unpacked files.",
    "amazon-ssm-agent, localpackages: 'Package is not supported (package is missing install action)'.",
    "setup.sh", "install.sh")  # fmt: skip
TWO_IMPLEMENTATIONS = Rule("CSD102", "error", "An action has one implementation, .sh or .ps1.",
    "Give each system its own zip.",
    "amazon-ssm-agent, ssminstaller resolveAction: 'install has more than one implementation (sh, ps1, json)'.",
    "install.sh and install.ps1 in one zip", "install.sh in one zip, install.ps1 in another")  # fmt: skip
TOO_FEW = Rule("CSD103", "error", "A zip holds at least two files, or a folder.", "Add an uninstall script.",
    "amazon-ssm-agent, localpackages ValidatePackage: fewer than two files and no folder is 'Package is incomplete'.",
    "install.sh alone", "install.sh and uninstall.sh")  # fmt: skip
NO_UNINSTALL = Rule("CSD104", "warning", "A package should be able to go away.", "Add uninstall.sh, or uninstall.ps1.",
    "amazon-ssm-agent, ssminstaller: without the script nothing is run, and Uninstall, and an upgrade, leave all in place.",
    "install.sh and agent.deb", "install.sh, uninstall.sh and agent.deb")  # fmt: skip
NO_VALIDATE = Rule("CSD105", "advice", "A validate script tells whether the software is really there.",
    "Add validate.sh, or validate.ps1, that exits with another code than 0 when the software is not as wanted.",
    "amazon-ssm-agent, ssminstaller runs it when present; else 'already installed' is the agent's own record.",
    "install.sh and uninstall.sh", "install.sh, uninstall.sh and validate.sh")  # fmt: skip
BELOW_A_FOLDER = Rule("CSD106", "error", "Scripts stand at the root of a zip, not below a folder.",
    "Zip the files themselves, not the folder around them.",
    "amazon-ssm-agent, localpackages: 'Package is not supported (package is missing install action)'.",
    "my-agent/install.sh", "install.sh")  # fmt: skip
NO_UPDATE = Rule("CSD107", "advice", "A package can be updated in place.", "Add update.sh, or update.ps1, or always reinstall.",
    "amazon-ssm-agent, configurepackage: with installationType 'In-place update' it runs update, and nothing else.",
    "install.sh and uninstall.sh", "install.sh, uninstall.sh and update.sh")  # fmt: skip
BROKEN_ZIP = Rule("CSD501", "error", "A zip can be read.", "Make it, or download it, again.", _BOUNDS,
    "a web page saved as agent.zip", "a zip")  # fmt: skip
PATH_ESCAPES = Rule("CSD502", "error", "Names of members stay in their folder and mean the same everywhere.", _SAFE,
    "Absolute paths, '..', backslashes, drives and control characters write elsewhere on some system.",
    "../../etc/cron.d/x", "etc/cron.d/x")  # fmt: skip
SPECIAL = Rule("CSD503", "error", "Members are plain files and folders.", _SAFE,
    "A link, device or FIFO makes a later member, or a script, write to another place.",
    "a symbolic link to /etc", "the file itself")  # fmt: skip
METHOD = Rule("CSD504", "error", "Members are stored or deflated, and not encrypted.", "Zip it anew: zip -r NAME.zip .",
    "amazon-ssm-agent unpacks with Go's archive/zip, which knows these two methods and no passwords.",
    "zip --encrypt, zip -Z bzip2", "zip")  # fmt: skip
CLASH = Rule("CSD505", "error", "No two members become one file.", "Rename one of them.",
    "Which one wins depends on who unpacks; Windows does not tell case apart.", "Readme and README", "README")  # fmt: skip
BOMB = Rule("CSD506", "error", "A zip has bounded size, count and ratio, and no shared bytes.", _SAFE, _BOUNDS,
    "10 million members in 1 KB", "as many members as there are files")  # fmt: skip
LIES = Rule("CSD507", "error", "Directory, local headers and end record of a zip agree, and nothing stands around them.", _SAFE,
    _BOUNDS, "a program with a zip behind it", "the zip alone")  # fmt: skip
ZIP_TOO_LARGE = Rule("CSD603", "error", "A zip has at most 1 GB.", "Split it by architecture, or let the script fetch the rest.",
    "Distributor guide, 'Create a package': at most 1 GB a file.", "a zip of 1.2 GB", "two zips of 600 MB")  # fmt: skip

ARCHIVE_RULES = (NO_INSTALL, TWO_IMPLEMENTATIONS, TOO_FEW, NO_UNINSTALL, NO_VALIDATE,
    BELOW_A_FOLDER, NO_UPDATE, BROKEN_ZIP, PATH_ESCAPES, SPECIAL, METHOD,
    CLASH, BOMB, LIES, ZIP_TOO_LARGE)  # fmt: skip
RULE_OF_FAULT = {"broken": BROKEN_ZIP, "path": PATH_ESCAPES, "special": SPECIAL, "method": METHOD, "clash": CLASH, "bomb": BOMB,
    "lies": LIES}  # fmt: skip
