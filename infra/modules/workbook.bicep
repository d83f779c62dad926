import { resourceTags } from 'types.bicep'

@description('Region of the workbook.')
param location string
@description('Name of the Log Analytics workspace.')
param workspaceName string
@description('Tags of the workbook.')
param tags resourceTags
@description('Whether a copy of the audit is in the workspace.')
param hasAuditCopy bool

// A query of the audit fails where its table was never made, so it is shown only where there is a copy.
var queries = {
  'access-now': { text: loadTextContent('../queries/access-now.kql'), of: 'audit' }
  'access-requests': { text: loadTextContent('../queries/access-requests.kql'), of: 'audit' }
  'approval-skipped': { text: loadTextContent('../queries/approval-skipped.kql'), of: 'audit' }
  'approval-skipped-by-log': { text: loadTextContent('../queries/approval-skipped-by-log.kql'), of: 'log' }
  'calls-for-access': { text: loadTextContent('../queries/calls-for-access.kql'), of: 'log' }
  'closes-late': { text: loadTextContent('../queries/closes-late.kql'), of: 'audit' }
  'closes-with-trouble': { text: loadTextContent('../queries/closes-with-trouble.kql'), of: 'log' }
  'open-rules': { text: loadTextContent('../queries/open-rules.kql'), of: 'resources' }
  'policy-changes': { text: loadTextContent('../queries/policy-changes.kql'), of: 'audit' }
  refusals: { text: loadTextContent('../queries/refusals.kql'), of: 'log' }
  'requests-over-time': { text: loadTextContent('../queries/requests-over-time.kql'), of: 'audit' }
  'rule-changes': { text: loadTextContent('../queries/rule-changes.kql'), of: 'log' }
  'rules-of-others': { text: loadTextContent('../queries/rules-of-others.kql'), of: 'audit' }
  'time-to-open': { text: loadTextContent('../queries/time-to-open.kql'), of: 'audit' }
}
var pages = loadJsonContent('../workbook/pages.json')

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-02-01' existing = { name: workspaceName }

var parameters = {
  type: 9
  name: 'parameters'
  content: {
    version: 'KqlParameterItem/1.0'
    style: 'pills'
    parameters: [
      {
        id: guid('time')
        version: 'KqlParameterItem/1.0'
        name: 'TimeRange'
        label: 'Time'
        type: 4
        isRequired: true
        value: { durationMs: 2592000000 }
        typeSettings: {
          selectableValues: [
            { durationMs: 86400000 }
            { durationMs: 604800000 }
            { durationMs: 2592000000 }
            { durationMs: 7776000000 }
          ]
        }
      }
      {
        id: guid('subscriptions')
        version: 'KqlParameterItem/1.0'
        name: 'Subscriptions'
        label: 'Subscriptions of machines'
        type: 6
        isRequired: true
        multiSelect: true
        quote: '\''
        delimiter: ','
        typeSettings: { additionalResourceOptions: ['value::all'], includeAll: true }
        value: ['value::all']
      }
    ]
  }
}
var tabs = {
  type: 11
  name: 'pages'
  content: {
    version: 'LinkItem/1.0'
    style: 'tabs'
    links: map(pages, page => {
      id: guid(page.name)
      cellValue: 'page'
      linkTarget: 'parameter'
      linkLabel: page.title
      subTarget: page.name
      style: 'link'
    })
  }
}
var texts = map(pages, page => {
  type: 1
  name: page.name
  content: { json: hasAuditCopy ? page.text : '${page.text}\n\n${page.withoutAuditCopy}' }
  conditionalVisibility: { parameterName: 'page', comparison: 'isEqualTo', value: page.name }
})
var parts = flatten(map(
  pages,
  page =>
    map(filter(page.parts, part => hasAuditCopy || queries[part.query].of != 'audit'), part => {
      type: 3
      name: part.query
      content: union(
        {
          version: 'KqlItem/1.0'
          query: queries[part.query].text
          title: part.title
          size: 0
          visualization: part.show
          showExportToExcel: true
          gridSettings: { filter: true, rowLimit: 1000 }
          noDataMessage: 'Nothing.'
          noDataMessageStyle: 3
        },
        queries[part.query].of == 'resources'
          ? {
              queryType: 1
              resourceType: 'microsoft.resourcegraph/resources'
              crossComponentResources: ['{Subscriptions}']
            }
          : {
              queryType: 0
              resourceType: 'microsoft.operationalinsights/workspaces'
              crossComponentResources: [workspace.id]
            },
        // What is open now may have been opened long before the time that is looked at.
        part.?span == 'all'
          ? { timeContext: { durationMs: 7776000000 } }
          : { timeContextFromParameter: 'TimeRange' }
      )
      conditionalVisibility: { parameterName: 'page', comparison: 'isEqualTo', value: page.name }
    })
))

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, 'workbook')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Sallyport'
    category: 'workbook'
    sourceId: workspace.id
    version: 'Notebook/1.0'
    serializedData: string({
      version: 'Notebook/1.0'
      items: concat([parameters, tabs], texts, parts)
      fallbackResourceIds: [workspace.id]
    })
  }
}
