"""The names by which the parts of the solution find one another. They are a contract: see the reference."""

TEMPLATE = "CentralizedSoftwareDistributor"
HUB_DOCUMENT = "CSD-AddSoftwarePackageToDistributor"
MEMBER_DOCUMENT = "CSD-DistributeSoftwarePackage"
ADMINISTRATION_ROLE = "CSD-SystemsManager-AutomationAdministrationRole"
EXECUTION_ROLE = "CSD-SystemsManager-AutomationExecutionRole"
READER_HUB_ROLE = "CSD-FleetReaderHubRole"
READER_ROLE = "CSD-FleetReaderRole"
