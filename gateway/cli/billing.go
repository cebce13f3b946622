package cli

// billingCommands are the finance officer's month: prices, rating, closing, export.
type billingCommands struct {
	Prices     fieldsCommand          `cmd:"" rpc:"billing price list" help:"List the prices in force." examples:"yunqiao billing prices resource_type=compute.vm"`
	Import     fieldsCommand          `cmd:"" rpc:"billing price import" help:"Add all prices of a document, or none; repeating it is safe." examples:"yunqiao billing import format=yaml document=@configs/prices/example.yaml; yunqiao billing import format=csv document=@prices.csv"`
	ExportTo   fieldsCommand          `cmd:"" name:"prices-export" rpc:"billing price export" help:"Write the prices in force as a document that import reads." examples:"yunqiao billing prices-export format=csv -o json"`
	Pull       fieldsCommand          `cmd:"" name:"price-pull" rpc:"billing price pull" help:"Take over the list price of a cloud." examples:"yunqiao billing price-pull account_id=ali resource_type=compute.vm spec.flavor_id=ecs.g7.large markup_percent=10"`
	Estimate   fieldsCommand          `cmd:"" rpc:"billing price estimate" help:"Tell what a resource would cost." examples:"yunqiao billing estimate resource_type=compute.vm account_id=memory spec=vcpus=4,memory_mib=8192"`
	Periods    fieldsCommand          `cmd:"" rpc:"billing period list" help:"List the months." examples:"yunqiao billing periods"`
	Rate       idCommand              `cmd:"" rpc:"billing period rate" help:"Price the usage of a month until the last midnight; repeating it adds nothing." examples:"yunqiao billing rate 2026-11"`
	Review     idCommand              `cmd:"" rpc:"billing period review" help:"Put a month into review." examples:"yunqiao billing review 2026-11"`
	Close      idCommand              `cmd:"" rpc:"billing period close" help:"Close a month in review and write its statements." examples:"yunqiao billing close 2026-11"`
	Reopen     idCommand              `cmd:"" rpc:"billing period reopen" help:"Open a closed month again, as another person than the one who closed it." examples:"yunqiao billing reopen 2026-11 reason=late-usage"`
	Statements fieldsCommand          `cmd:"" rpc:"billing statement list" help:"List the statements of a month, or its drafts." examples:"yunqiao billing statements period=2026-11"`
	Costs      fieldsCommand          `cmd:"" rpc:"billing cost list" help:"List lines of cost." examples:"yunqiao billing costs period=2026-11 resource_id=memory.vm-1"`
	Summary    fieldsCommand          `cmd:"" rpc:"billing cost summarize" help:"Add up costs." examples:"yunqiao billing summary period=2026-11 group_by=cost_dimension_organization,cost_dimension_resource_type"`
	Explain    idCommand              `cmd:"" rpc:"billing cost explain" help:"Say where a line of cost comes from." examples:"yunqiao billing explain 0190a1b2c3d4e5f60718293a4b5c6d7e"`
	Export     downloadCommand        `cmd:"" path:"/billing/v1/costs/download" help:"Write lines of cost into a file." examples:"yunqiao billing export costs.xlsx format=xlsx period=2026-11; yunqiao billing export - format=focus period=2026-11"`
	Bill       providerBillSubcommand `cmd:"" help:"What clouds charge, against what was charged on."`
}

type providerBillSubcommand struct {
	List    fieldsCommand `cmd:"" rpc:"billing provider-bill list" help:"List the bills of clouds that are kept." examples:"yunqiao billing bill list period=2026-10"`
	Pull    fieldsCommand `cmd:"" rpc:"billing provider-bill pull" help:"Read a month of an account's bill from its cloud." examples:"yunqiao billing bill pull account_id=ali period=2026-10"`
	Lines   fieldsCommand `cmd:"" rpc:"billing provider-bill lines" help:"List the lines of a bill as they were received." examples:"yunqiao billing bill lines account_id=ali period=2026-10"`
	Compare fieldsCommand `cmd:"" rpc:"billing provider-bill compare" help:"Show where a bill and the lines of cost differ." examples:"yunqiao billing bill compare account_id=ali period=2026-10 tolerance=0.01"`
}
