"""Archives that strangers made, examined before anything of them is believed.

Flow: the end of the file -> how large and how many -> the central directory, header by header -> each local header -> faults.
Rules: bounded memory and time, whatever the file says; nothing is unpacked to be judged. Refuses to know: what a package is.
"""
