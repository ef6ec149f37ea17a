"""A folder of installers -> a sealed Distributor package (zips and manifest.json).

Flow: source (package.yaml) -> entries of each zip (files, templates, .deb, .tar) -> judged by the rules of `lint` -> zips -> manifest ->
sealed folder, which is judged again by whoever signs, tries or publishes it.

Rules: the same input gives the same bytes on any machine; all problems are reported at once; nothing is written before
the input is known to be good. Refuses to know: AWS, accounts, Regions, the command line.
"""
