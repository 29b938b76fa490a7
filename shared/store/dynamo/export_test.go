package dynamo

// OpenImpatient is Open with other bounds than a person's patience.
var OpenImpatient = open

// Endpoint is where a region's DynamoDB is.
var Endpoint = endpoint
