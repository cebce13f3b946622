// Package bill reads what the cloud charges (BssOpenApi) and what it would charge
// (prices of ECS). Amounts are taken as they stand in the answer's JSON, never as
// floating point.
package bill
