// A storage account for one deployment of a streaming application: an account, one container, an identity for the
// application, and the rights of that identity on that container. See README.md for what the choices mean.
targetScope = 'resourceGroup'

@description('The region.')
param location string = resourceGroup().location

@description('The name of the account: unique in all of Azure, 3 to 24 lower-case letters and digits.')
@minLength(3)
@maxLength(24)
param accountName string = 'streaming${uniqueString(resourceGroup().id)}'

@description('The container that holds journals, records and runs.')
@minLength(3)
@maxLength(63)
param containerName string = 'orleansstreaming'

@description('How many copies a confirmed write has, and where. Geo-redundant accounts are left out on purpose: a failover of one may lose confirmed writes.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
])
param redundancy string = 'Standard_ZRS'

@description('The subnets that may reach the account, each with the service endpoint Microsoft.Storage. Empty: any network may try, with a token of the identity.')
param subnetIds array = []

@description('The identity that the application runs as.')
param identityName string = '${accountName}-app'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: identityName
  location: location
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: accountName
  location: location
  kind: 'StorageV2'
  sku: {
    name: redundancy
  }
  properties: {
    accessTier: 'Hot'
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowBlobPublicAccess: false
    // Identities only: no connection strings, no shared access signatures of the account.
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    allowCrossTenantReplication: false
    isHnsEnabled: false
    publicNetworkAccess: 'Enabled'
    networkAcls: {
      bypass: 'None'
      defaultAction: empty(subnetIds) ? 'Allow' : 'Deny'
      virtualNetworkRules: [for subnetId in subnetIds: {
        id: subnetId
        action: 'Allow'
      }]
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    // Records are overwritten and journals deleted all the time: keeping what was there before costs money and restores
    // nothing, because a part of a deployment from yesterday does not fit the rest of today.
    isVersioningEnabled: false
    deleteRetentionPolicy: {
      enabled: false
    }
    // A container that was deleted by mistake can be had back as a whole.
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = {
  parent: blobs
  name: containerName
  properties: {
    publicAccess: 'None'
  }
}

// What the application does with blobs and nothing else: it cannot make or delete containers, change the account, or hand on rights.
resource role 'Microsoft.Authorization/roleDefinitions@2022-04-01' = {
  name: guid(resourceGroup().id, accountName, 'streaming-storage')
  properties: {
    roleName: 'Streaming storage (${accountName})'
    description: 'Reads, lists, writes, appends to, seals and deletes the blobs of a container.'
    type: 'CustomRole'
    assignableScopes: [
      resourceGroup().id
    ]
    permissions: [
      {
        actions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/read'
        ]
        notActions: []
        dataActions: [
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action'
          'Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete'
        ]
        notDataActions: []
      }
    ]
  }
}

resource rights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(container.id, identity.id, role.id)
  scope: container
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: role.id
  }
}

@description('What the application is given: the address of the container.')
output containerUri string = '${account.properties.primaryEndpoints.blob}${containerName}'

@description('What the application names its identity by: AZURE_CLIENT_ID.')
output identityClientId string = identity.properties.clientId

@description('What the virtual machine, container or web application is given, so that it may run as the identity.')
output identityId string = identity.id
