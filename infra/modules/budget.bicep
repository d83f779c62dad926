@description('Name of the budget.')
param name string
@description('Amount a month, in the currency of the subscription\'s bill.')
param amount int
@description('First day of the month in which the budget is made, such as 2026-12-01. Azure lets nobody change it later.')
param start string
@description('Address that is told besides the owners; empty: the owners alone.')
param email string

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: name
  properties: {
    category: 'Cost'
    amount: amount
    timeGrain: 'Monthly'
    timePeriod: { startDate: '${start}T00:00:00Z' }
    notifications: {
      most: {
        enabled: true
        operator: 'GreaterThan'
        thresholdType: 'Actual'
        threshold: 80
        contactEmails: empty(email) ? [] : [email]
        contactRoles: ['Owner']
      }
      foreseen: {
        enabled: true
        operator: 'GreaterThan'
        thresholdType: 'Forecasted'
        threshold: 100
        contactEmails: empty(email) ? [] : [email]
        contactRoles: ['Owner']
      }
    }
  }
}
