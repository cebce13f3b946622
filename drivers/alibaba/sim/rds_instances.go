package sim

import (
	"strconv"
	"strings"
)

const kindDatabase kind = "db_instance"

func rdsInstances() actions {
	return actions{
		"CreateDBInstance": createDB, "DeleteDBInstance": deleteDB, "DescribeDBInstances": describeDBs, "DescribeDBInstanceAttribute": describeDB,
		"StartDBInstance": startDB, "StopDBInstance": stopDB, "RestartDBInstance": restartDB, "ModifyDBInstanceSpec": modifyDBSpec,
		"ModifyDBInstanceDescription": modifyDB("DBInstanceDescription"), "ModifyDBInstanceDeletionProtection": modifyDB("DeletionProtection"),
		"ModifyDBInstanceMaintainTime": modifyDB("MaintainTime"), "ModifyDBInstanceAutoUpgradeMinorVersion": modifyDB("AutoUpgradeMinorVersion"),
		"ModifyResourceGroup": modifyDB("ResourceGroupId"), "CheckInstanceExist": existsDB, "DescribeTasks": describeDBTasks,
		"DescribeRegions": rdsRegions, "DescribeAvailableZones": rdsZones, "DescribeAvailableClasses": rdsClasses, "ListClasses": listClasses,
		"DescribePrice": rdsPrice,
	}
}

// dbClass is what a database runs on; prices are the simulator's own.
type dbClass struct {
	id     string
	cpu    int
	memory int // MiB
	hourly float64
}

func dbClasses() []dbClass {
	return []dbClass{
		{"mysql.n1.micro.1", 1, 1024, 0.15}, {"mysql.n2.small.1", 1, 2048, 0.28}, {"mysql.n2.medium.1", 2, 4096, 0.56}, {"mysql.n2.large.1", 4, 8192, 1.12},
		{"mysql.n4.medium.1", 2, 8192, 0.80}, {"mysql.x2.large.2c", 4, 8192, 2.10}, {"mysql.n2.medium.2c", 2, 4096, 1.10}, {"rds.mysql.s1.small", 1, 1024, 0.20},
		{"rds.mysql.s2.large", 2, 4096, 0.70}, {"rds.mysql.t1.small", 1, 1024, 0.18}, {"pg.n2.2c.1m", 2, 4096, 0.60}, {"pg.n2.2c.2m", 2, 4096, 1.10}, {"pg.n2.4c.1m", 4, 8192, 1.20},
		{"pg.n2.small.1", 1, 2048, 0.30}, {"mssql.mem2.serverless.s2", 2, 8192, 1.80}, {"mssql.x4.medium.s2", 2, 8192, 2.50}, {"mariadb.n2.small.2c", 1, 2048, 0.55}, {"mariadb.n2.medium.2c", 2, 4096, 1.10},
	}
}

func findClass(id string) (dbClass, bool) {
	for _, k := range dbClasses() {
		if k.id == id {
			return k, true
		}
	}
	return dbClass{}, false
}

// dbVersions are the engines and their versions.
func dbVersions(engine string) []string {
	switch strings.ToLower(engine) {
	case "mysql":
		return []string{"5.7", "8.0"}
	case "postgresql":
		return []string{"12.0", "13.0", "14.0", "15.0", "16.0"}
	case "sqlserver":
		return []string{"2019_std_ha", "2022_ent"}
	case "mariadb":
		return []string{"10.3", "10.6"}
	}
	return nil
}

func dbPort(engine string) string {
	switch engine {
	case "PostgreSQL":
		return "5432"
	case "SQLServer":
		return "1433"
	}
	return "3306"
}

func createDB(c *call) (obj, error) {
	if err := c.solvent(); err != nil {
		return nil, err
	}
	engine := c.str("Engine")
	if !contains(dbVersions(engine), c.str("EngineVersion")) {
		return nil, c.failOne([]string{"InvalidEngineVersion.Malformed", "InvalidParam"}, "The specified engine version is not valid.")
	}
	class, ok := findClass(c.str("DBInstanceClass"))
	if !ok {
		return nil, c.failOne([]string{"InvalidDBInstanceClass.Malformed", "InvalidParam"}, "The specified DBInstanceClass is not valid.")
	}
	storage := c.num("DBInstanceStorage", 0)
	if storage < 5 || storage > 64000 {
		return nil, c.failOne([]string{"InvalidDBInstanceStorage.Format", "InvalidEssdStorageSize", "InvalidParam"}, "The specified storage is not valid.")
	}
	v := c.find(kindVSwitch, c.str("VSwitchId"))
	if v == nil {
		return nil, c.failOne([]string{"InvalidVSwitchId.NotFound", "InvalidVSwitchId.Format"}, "The specified vSwitch does not exist.")
	}
	if err := c.addressFree(v, c.str("PrivateIpAddress")); err != nil {
		return nil, err
	}
	if c.soldOut(class.id, v.str("ZoneId")) {
		return nil, c.failOne([]string{"InsufficientResourceCapacity", "OperationDenied.OutofUsage"}, "There is insufficient capacity.")
	}
	if err := c.quota(kindDatabase, 0, "QuotaExceeded.DBInstance", "InstanceQuotaExceeded", "InsufficientAvailableQuota"); err != nil {
		return nil, err
	}
	address := c.str("PrivateIpAddress")
	if address == "" {
		address, _ = freeAddress(v.str("CidrBlock"), c.takenIn(v))
	}
	pay := c.or("PayType", "Postpaid")
	prefix := map[string]string{"MySQL": "rm-", "PostgreSQL": "pgm-", "SQLServer": "rm-", "MariaDB": "rm-"}[engine]
	id := c.w.id(prefix)
	connection := id + ".mysql.rds.aliyuncs.example"
	security := textOr(c.args["SecurityIPList"], "127.0.0.1")
	r := c.create(kindDatabase, id, obj{
		"DBInstanceId": id, "DBInstanceDescription": c.str("DBInstanceDescription"), "DBInstanceStatus": "Creating", "Engine": engine, "EngineVersion": c.str("EngineVersion"),
		"DBInstanceClass": class.id, "DBInstanceStorage": storage, "DBInstanceStorageType": c.or("DBInstanceStorageType", "cloud_essd"), "DBInstanceCPU": text(class.cpu),
		"DBInstanceMemory": class.memory, "DBInstanceType": "Primary", "DBInstanceNetType": c.str("DBInstanceNetType"), "PayType": pay, "InstanceNetworkType": "VPC",
		"VpcId": v.str("VpcId"), "VSwitchId": v.id, "ZoneId": c.or("ZoneId", v.str("ZoneId")), "ConnectionString": connection, "Port": c.or("Port", dbPort(engine)),
		"ConnectionMode": "Standard", "LockMode": "Unlock", "LockReason": "", "Category": c.or("Category", "Basic"), "ResourceGroupId": c.or("ResourceGroupId", c.defaultGroup()),
		"CreateTime": c.stamp(seconds), "CreationTime": c.stamp(seconds), "ExpireTime": "", "DeletionProtection": c.yes("DeletionProtection"), "SecurityIPList": security,
		"SecurityIPMode": "normal", "MaxConnections": 2000, "MaxIOPS": 8000, "AccountMaxQuantity": 50, "DBMaxQuantity": 100, "MaintainTime": "18:00Z-22:00Z",
		"AutoUpgradeMinorVersion": "Auto", "DBInstanceClassType": "s", "CurrentKernelVersion": "rds_20240731", "AvailabilityValue": "100.0%", "TimeZone": "China Standard Time",
		"MasterZone": c.or("ZoneId", v.str("ZoneId")), "SlaveZones": obj{"SlaveZone": []any{}}, "PrivateIpAddress": address, "kindCode": "18", "Collation": "utf8mb4", "BurstingEnabled": c.yes("BurstingEnabled"),
	})
	if pay == "Prepaid" {
		months := max(1, number(c.or("UsedTime", "1"), 1))
		if c.is("Period", "Year") {
			months *= 12
		}
		r.set("ExpireTime", c.now.AddDate(0, months, 0).UTC().Format(seconds))
	}
	r.set("_lists", []any{obj{"DBInstanceIPArrayName": "default", "DBInstanceIPArrayAttribute": "", "SecurityIPList": security, "SecurityIPType": "IPv4"}})
	c.later(r, 3, func() { r.set("DBInstanceStatus", "Running") })
	return obj{"DBInstanceId": id, "ConnectionString": connection, "Port": r.str("Port"), "OrderId": c.w.digits(15)}, nil
}

func (c *call) database() (*record, error) {
	return c.need(kindDatabase, c.str("DBInstanceId"), "InvalidDBInstanceId.NotFound", "InvalidDBInstanceName.NotFound", "InvalidDBInstanceId.NotFound")
}

// running finds a database that must be running.
func (c *call) running() (*record, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	if !r.is("DBInstanceStatus", "Running") {
		return nil, c.dbStatus()
	}
	return r, nil
}

func (c *call) dbStatus() error {
	return c.failOne([]string{"IncorrectDBInstanceState", "OperationDenied.DBInstanceStatus", "InvalidStatus.Format", "IncorrectDBInstanceState"},
		"The current state of the database does not support this operation.")
}

func deleteDB(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	switch {
	case isTrue(r.attrs["DeletionProtection"]):
		return nil, c.fail("OperationDenied.DeletionProtection", "The database is protected against deletion.")
	case r.is("PayType", "Prepaid"):
		return nil, c.failOne([]string{"OperationDenied.PrePayTypeNotSupported", "OperationDenied.DBInstancePayType"}, "A subscription database cannot be released.")
	case !r.is("DBInstanceStatus", "Running") && !r.is("DBInstanceStatus", "Stopped"):
		return nil, c.dbStatus()
	}
	r.set("DBInstanceStatus", "Deleting")
	c.later(r, 1, func() {
		for _, k := range []kind{kindDBAccount, kindSchema} {
			for _, part := range c.with(k, "DBInstanceId", r.id) {
				c.w.remove(part)
			}
		}
		c.w.remove(r)
	})
	return obj{"RegionId": r.region}, nil
}

func describeDBs(c *call) (obj, error) {
	records := c.selected(kindDatabase, "Engine", "ZoneId", "ResourceGroupId", "DBInstanceStatus", "DBInstanceId", "DBInstanceType", "InstanceNetworkType",
		"VpcId", "VSwitchId", "DBInstanceClass", "EngineVersion", "PayType", "ConnectionMode", "ConnectionString", "Category")
	if want := c.member("Tags"); len(want) > 0 {
		records = keep(records, func(r *record) bool { return tagsMatch(r, want) })
	}
	if key := c.str("SearchKey"); key != "" {
		records = keep(records, func(r *record) bool {
			return strings.Contains(r.id, key) || strings.Contains(r.str("DBInstanceDescription"), key)
		})
	}
	return c.listed("Items.DBInstance", records)
}

func describeDB(c *call) (obj, error) {
	items := []any{}
	for _, id := range c.strs("DBInstanceId") {
		r, err := c.need(kindDatabase, id, "InvalidDBInstanceId.NotFound", "InvalidDBInstanceName.NotFound", "InvalidDBInstanceId.NotFound")
		if err != nil {
			return nil, err
		}
		items = append(items, c.show(r, "Items.DBInstanceAttribute"))
	}
	return wrap("Items.DBInstanceAttribute", items), nil
}

func startDB(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	if !r.is("DBInstanceStatus", "Stopped") {
		return nil, c.dbStatus()
	}
	r.set("DBInstanceStatus", "Starting")
	c.becomes(r, "DBInstanceStatus", "Running")
	return obj{}, nil
}

func stopDB(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	r.set("DBInstanceStatus", "Stopping")
	c.becomes(r, "DBInstanceStatus", "Stopped")
	return obj{}, nil
}

func restartDB(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	r.set("DBInstanceStatus", "Rebooting")
	c.becomes(r, "DBInstanceStatus", "Running")
	return obj{}, nil
}

func modifyDBSpec(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	if id := c.str("DBInstanceClass"); id != "" {
		class, ok := findClass(id)
		if !ok {
			return nil, c.failOne([]string{"InvalidDBInstanceClass.Malformed", "InvalidParam"}, "The specified DBInstanceClass is not valid.")
		}
		r.set("DBInstanceClass", class.id)
		r.set("DBInstanceCPU", text(class.cpu))
		r.set("DBInstanceMemory", class.memory)
	}
	if n := c.num("DBInstanceStorage", 0); n > 0 {
		if n < r.num("DBInstanceStorage") {
			return nil, c.failOne([]string{"InvalidReduceDiskSize", "InvalidParam"}, "The storage cannot become smaller.")
		}
		r.set("DBInstanceStorage", n)
	}
	r.set("DBInstanceStatus", "DBInstanceClassChanging")
	c.becomes(r, "DBInstanceStatus", "Running")
	return obj{"DBInstanceId": r.id, "OrderId": number(c.w.digits(15), 0)}, nil
}

// modifyDB makes an action that changes one attribute by the parameter of its name.
func modifyDB(attr string) handler {
	return func(c *call) (obj, error) {
		r, err := c.database()
		if err != nil {
			return nil, err
		}
		c.change(r, attr, attr)
		return obj{}, nil
	}
}

func existsDB(c *call) (obj, error) {
	return obj{"IsExistInstance": c.find(kindDatabase, c.str("DBInstanceId")) != nil}, nil
}

// describeDBTasks shows no tasks: none outlives the state that it made. Clients ask
// until a database that they delete is gone.
func describeDBTasks(c *call) (obj, error) {
	if _, err := c.database(); err != nil {
		return nil, err
	}
	return obj{"PageNumber": 1, "PageRecordCount": 0, "TotalRecordCount": 0}, nil
}

func rdsRegions(c *call) (obj, error) {
	items := []any{}
	for _, region := range c.sim.opts.Regions {
		for _, zone := range c.sim.zones(region) {
			items = append(items, obj{"RegionId": region, "ZoneId": zone, "LocalName": regionName(region), "ZoneName": zone, "RegionEndpoint": "rds." + region + ".aliyuncs.com"})
		}
	}
	return wrap("Regions.RDSRegion", items), nil
}

func rdsZones(c *call) (obj, error) {
	versions := []any{}
	for _, v := range onlyIf(dbVersions(c.str("Engine")), c.str("EngineVersion")) {
		storage := []any{obj{"StorageType": "cloud_essd"}, obj{"StorageType": "local_ssd"}}
		versions = append(versions, obj{"Version": v, "SupportedCategorys": []any{
			obj{"Category": "Basic", "SupportedStorageTypes": storage}, obj{"Category": "HighAvailability", "SupportedStorageTypes": storage},
		}})
	}
	items := []any{}
	for _, zone := range onlyIf(c.sim.zones(c.region), c.str("ZoneId")) {
		items = append(items, obj{"RegionId": c.region, "ZoneId": zone, "SupportedEngines": []any{obj{"Engine": c.str("Engine"), "SupportedEngineVersions": versions}}})
	}
	return obj{"AvailableZones": items}, nil
}

// classesOf are the classes of an engine.
func classesOf(engine string) []dbClass {
	prefix := map[string][]string{"mysql": {"mysql.", "rds.mysql."}, "postgresql": {"pg."}, "sqlserver": {"mssql."}, "mariadb": {"mariadb."}}[strings.ToLower(engine)]
	var out []dbClass
	for _, k := range dbClasses() {
		for _, p := range prefix {
			if strings.HasPrefix(k.id, p) {
				out = append(out, k)
			}
		}
	}
	return out
}

func rdsClasses(c *call) (obj, error) {
	items := []any{}
	for _, k := range classesOf(c.str("Engine")) {
		items = append(items, obj{"DBInstanceClass": k.id, "DBInstanceStorageRange": obj{"MinValue": 20, "MaxValue": 6000, "Step": 5}})
	}
	return obj{"DBInstanceClasses": items}, nil
}

func listClasses(c *call) (obj, error) {
	items := []any{}
	for _, engine := range []string{"mysql", "postgresql", "sqlserver", "mariadb"} {
		if want := strings.ToLower(c.str("Engine")); want != "" && want != engine {
			continue
		}
		for _, k := range classesOf(engine) {
			items = append(items, obj{
				"ClassCode": k.id, "Cpu": text(k.cpu), "MemoryClass": strconv.Itoa(k.memory/1024) + "GB（通用型）", "ClassGroup": "通用型", "MaxConnections": "2000",
				"MaxIOPS": "8000", "ReferencePrice": strconv.Itoa(int(k.hourly * 100)),
			})
		}
	}
	return obj{"Items": items, "RegionId": c.region}, nil
}

func rdsPrice(c *call) (obj, error) {
	class, ok := findClass(c.str("DBInstanceClass"))
	if !ok {
		return nil, c.failOne([]string{"InvalidDBInstanceClassNotFound", "InvalidParam"}, "The specified DBInstanceClass is not valid.")
	}
	price := class.hourly + float64(c.num("DBInstanceStorage", 0))*gibHour
	if c.is("PayType", "Prepaid") {
		price *= monthHours
	}
	return obj{"PriceInfo": obj{"Currency": "CNY", "OriginalPrice": price, "TradePrice": price, "DiscountPrice": 0.0, "OrderLines": ""}}, nil
}
