using 'main.bicep'

param containerName = 'orleansstreaming'
param redundancy = 'Standard_ZRS' // Standard_LRS where the region has no zones, or for trying out.
param subnetIds = []
