"""StackSets: one template in many accounts and Regions of the organization, following accounts as they come and go."""
