"""A folder of a vendor's installers -> a package's sources: package.yaml, the installers, and scripts for each kind.

Flow: folder -> what each file is (csd.package.detection) -> one version, one zip for each kind and architecture, targets without
holes -> all that is wrong, at once -> everything is written beside the target, and moved there.

The scripts are files beside these modules: sh/ and powershell/ are for every kind, deb/, rpm/, msi/ … say what a kind does.
Rules: a script is copied as it is; name and version reach it when the package is built. Refuses to know: how a file is recognised.
"""
