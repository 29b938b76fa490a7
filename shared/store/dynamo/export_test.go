package dynamo

// OpenImpatient is Open with other bounds than a person's patience.
var OpenImpatient = open
