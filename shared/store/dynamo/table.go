package dynamo

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// CreateTable makes the table unless it is there, for DynamoDB Local: template.yaml makes the real one. It has no time to live here: a test's
// clock is not the engine's, and memory is freed when it ends.
func (db *DB) CreateTable(ctx context.Context) error {
	_, err := db.client.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName:   &db.table,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
		},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
			{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
		},
	})
	var there *types.ResourceInUseException
	if err != nil && !errors.As(err, &there) {
		return db.explain(ctx, err)
	}
	return db.explain(ctx, dynamodb.NewTableExistsWaiter(db.client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, time.Second
	}).Wait(ctx, &dynamodb.DescribeTableInput{TableName: &db.table}, time.Minute))
}

// DeleteTable deletes the table and all that is in it.
func (db *DB) DeleteTable(ctx context.Context) error {
	_, err := db.client.DeleteTable(ctx, &dynamodb.DeleteTableInput{TableName: &db.table})
	return db.explain(ctx, err)
}
