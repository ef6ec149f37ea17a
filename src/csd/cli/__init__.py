"""The command line: data on stdout, progress and prose on stderr, one clear message for every error.

Exit codes: 0 done (status: every targeted node is as wanted); 1 AWS refused; 2 wrong input or usage; 3 not all nodes are as wanted,
or the distribution failed; 130 interrupted. Refuses to know: how anything is done.
"""
