package sim

import "strings"

const (
	kindDBAccount kind = "db_account"
	kindSchema    kind = "db_schema"
)

func rdsParts() actions {
	return actions{
		"DescribeDBInstanceNetInfo": dbNetInfo, "ModifySecurityIps": modifySecurityIPs, "DescribeDBInstanceIPArrayList": securityIPs,
		"DescribeSecurityGroupConfiguration": dbGroups, "ModifySecurityGroupConfiguration": modifyDBGroups,
		"AllocateInstancePublicConnection": allocateConnection, "ReleaseInstancePublicConnection": releaseConnection,
		"CreateAccount": createDBAccount, "DescribeAccounts": describeDBAccounts, "DeleteAccount": removing((*call).dbAccount), "ResetAccountPassword": resetPassword,
		"GrantAccountPrivilege": grantPrivilege, "RevokeAccountPrivilege": revokePrivilege,
		"CreateDatabase": createSchema, "DescribeDatabases": describeSchemas, "DeleteDatabase": deleteSchema,
		"DescribeBackupPolicy": backupPolicy, "ModifyBackupPolicy": modifyBackupPolicy, "DescribeBackups": noBackups, "CreateBackup": createBackup,
		"DescribeParameters": dbParameters, "ModifyParameter": modifyParameter, "DescribeParameterTemplates": parameterTemplates, "DescribeDBInstanceSSL": dbSSL, "DescribeDBInstanceTDE": dbTDE,
		"DescribeSQLCollectorPolicy": sqlCollector, "DescribeSQLCollectorRetention": sqlRetention, "DescribeDBInstanceHAConfig": dbHA,
		"DescribeHASwitchConfig": haSwitch, "DescribeInstanceAutoRenewalAttribute": dbRenewal, "DescribeDBInstanceMonitor": dbMonitor, "ModifyDBInstanceMonitor": modifyDBMonitor,
		"DescribePGHbaConfig": pgHBA, "DescribeDBInstanceEncryptionKey": dbKey, "ModifyDBInstanceConfig": done, "DescribeTags": dbTags, "DescribeHADiagnoseConfig": haDiagnose, "DescribeInstanceLinkedWhitelistTemplate": linkedLists, "ModifyHADiagnoseConfig": done,
		"ModifyDBInstanceSSL": done, "ModifyDBInstanceTDE": done, "ModifyPGHbaConfig": done, "ModifyInstanceAutoRenewalAttribute": done,
	}
}

// done is an action over a database that changes nothing which is shown.
func done(c *call) (obj, error) {
	_, err := c.database()
	return obj{}, err
}

func dbNetInfo(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	items := []any{obj{
		"ConnectionString": r.str("ConnectionString"), "ConnectionStringType": "Normal", "IPAddress": r.str("PrivateIpAddress"), "IPType": "Private", "Port": r.str("Port"),
		"VPCId": r.str("VpcId"), "VSwitchId": r.str("VSwitchId"), "Upgradeable": "Disabled",
	}}
	if public := r.str("_public"); public != "" {
		items = append(items, obj{"ConnectionString": public, "ConnectionStringType": "Normal", "IPAddress": r.str("_publicIP"), "IPType": "Public", "Port": r.str("_publicPort")})
	}
	return merge(wrap("DBInstanceNetInfos.DBInstanceNetInfo", items), obj{"InstanceNetworkType": "VPC", "SecurityIPMode": "normal"}), nil
}

func allocateConnection(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	if r.str("_public") != "" {
		return nil, c.failOne([]string{"NetTypeExists", "InvalidConnectionString.Duplicate"}, "The database has a public connection.")
	}
	r.set("_public", c.str("ConnectionStringPrefix")+".mysql.rds.aliyuncs.example")
	r.set("_publicIP", c.w.publicAddress())
	r.set("_publicPort", c.str("Port"))
	r.set("DBInstanceStatus", "NetCreating")
	c.becomes(r, "DBInstanceStatus", "Running")
	return obj{"ConnectionString": r.str("_public"), "DbInstanceName": r.id}, nil
}

func releaseConnection(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	if r.str("_public") == "" || !r.is("_public", c.str("CurrentConnectionString")) {
		return nil, c.failOne([]string{"InvalidCurrentConnectionString.NotFound", "Endpoint.NotFound"}, "The connection does not exist.")
	}
	r.set("_public", "")
	r.set("DBInstanceStatus", "NetDeleting")
	c.becomes(r, "DBInstanceStatus", "Running")
	return obj{}, nil
}

func modifySecurityIPs(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	name := c.or("DBInstanceIPArrayName", "default")
	ips := strings.Split(c.str("SecurityIps"), ",")
	lists := []any{}
	old := []string{}
	for _, o := range objects(r.attrs["_lists"]) {
		if text(o["DBInstanceIPArrayName"]) == name {
			old = strings.Split(text(o["SecurityIPList"]), ",")
		} else {
			lists = append(lists, o)
		}
	}
	switch c.or("ModifyMode", "Cover") {
	case "Append":
		ips = append(old, ips...)
	case "Delete":
		for _, ip := range ips {
			old = without(old, ip)
		}
		ips = old
	}
	joined := strings.Join(ips, ",")
	if joined != "" {
		lists = append(lists, obj{"DBInstanceIPArrayName": name, "DBInstanceIPArrayAttribute": c.str("DBInstanceIPArrayAttribute"), "SecurityIPList": joined, "SecurityIPType": "IPv4"})
	}
	r.set("_lists", lists)
	if name == "default" {
		r.set("SecurityIPList", joined)
	}
	return obj{"TaskId": c.w.digits(9)}, nil
}

func securityIPs(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	return wrap("Items.DBInstanceIPArray", clone(r.attrs["_lists"])), nil
}

func (c *call) dbGroupList(r *record) obj {
	items := []any{}
	for _, id := range r.in("_groups") {
		items = append(items, obj{"SecurityGroupId": id, "NetworkType": "VPC", "RegionId": r.region})
	}
	return merge(wrap("Items.EcsSecurityGroupRelation", items), obj{"DBInstanceName": r.id})
}

func dbGroups(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	return c.dbGroupList(r), nil
}

func modifyDBGroups(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	groups := []string{}
	for _, id := range c.strs("SecurityGroupId") {
		if id != "Empty" {
			groups = append(groups, id)
		}
	}
	r.set("_groups", groups)
	return c.dbGroupList(r), nil
}

func createDBAccount(c *call) (obj, error) {
	db, err := c.running()
	if err != nil {
		return nil, err
	}
	id := db.id + "/" + c.str("AccountName")
	if c.find(kindDBAccount, id) != nil {
		return nil, c.failOne([]string{"InvalidAccountName.Duplicate", "InvalidParam"}, "The account already exists.")
	}
	r := c.create(kindDBAccount, id, obj{
		"DBInstanceId": db.id, "AccountName": c.str("AccountName"), "AccountType": c.or("AccountType", "Normal"), "AccountDescription": c.str("AccountDescription"),
		"AccountStatus": "Unavailable", "PrivExceeded": "0", "DatabasePrivileges": obj{"DatabasePrivilege": []any{}}, "CheckPolicy": c.yes("CheckPolicy"),
	})
	c.becomes(r, "AccountStatus", "Available")
	return obj{}, nil
}

func (c *call) dbAccount() (*record, error) {
	return c.need(kindDBAccount, c.str("DBInstanceId")+"/"+c.str("AccountName"), "InvalidAccountName.NotFound")
}

func describeDBAccounts(c *call) (obj, error) {
	if _, err := c.database(); err != nil {
		return nil, err
	}
	return c.listed("Accounts.DBInstanceAccount", c.selected(kindDBAccount, "DBInstanceId", "AccountName"))
}

func resetPassword(c *call) (obj, error) {
	_, err := c.dbAccount()
	return obj{}, err
}

func (c *call) privileges() (account *record, list []any, err error) {
	if account, err = c.dbAccount(); err != nil {
		return nil, nil, err
	}
	if c.find(kindSchema, c.str("DBInstanceId")+"/"+c.str("DBName")) == nil {
		return nil, nil, c.failOne([]string{"InvalidDBName.NotFound"}, "The database does not exist.")
	}
	o, _ := account.attrs["DatabasePrivileges"].(obj)
	for _, p := range objects(o["DatabasePrivilege"]) {
		if text(p["DBName"]) != c.str("DBName") {
			list = append(list, p)
		}
	}
	return account, list, nil
}

func grantPrivilege(c *call) (obj, error) {
	account, list, err := c.privileges()
	if err != nil {
		return nil, err
	}
	list = append(list, obj{"DBName": c.str("DBName"), "AccountPrivilege": c.str("AccountPrivilege"), "AccountPrivilegeDetail": ""})
	account.set("DatabasePrivileges", obj{"DatabasePrivilege": list})
	return obj{}, nil
}

func revokePrivilege(c *call) (obj, error) {
	account, list, err := c.privileges()
	if err != nil {
		return nil, err
	}
	account.set("DatabasePrivileges", obj{"DatabasePrivilege": list})
	return obj{}, nil
}

func createSchema(c *call) (obj, error) {
	db, err := c.running()
	if err != nil {
		return nil, err
	}
	id := db.id + "/" + c.str("DBName")
	if c.find(kindSchema, id) != nil {
		return nil, c.failOne([]string{"InvalidDBName.Duplicate", "InvalidParam"}, "The database already exists.")
	}
	r := c.create(kindSchema, id, obj{
		"DBInstanceId": db.id, "DBName": c.str("DBName"), "CharacterSetName": c.str("CharacterSetName"), "DBDescription": c.str("DBDescription"),
		"DBStatus": "Creating", "Engine": db.str("Engine"),
	})
	c.becomes(r, "DBStatus", "Running")
	return obj{}, nil
}

func describeSchemas(c *call) (obj, error) {
	if _, err := c.database(); err != nil {
		return nil, err
	}
	return c.listed("Databases.Database", c.selected(kindSchema, "DBInstanceId", "DBName", "DBStatus"))
}

func deleteSchema(c *call) (obj, error) {
	r, err := c.need(kindSchema, c.str("DBInstanceId")+"/"+c.str("DBName"), "InvalidDBName.NotFound")
	if err != nil {
		return nil, err
	}
	c.w.remove(r)
	return obj{}, nil
}

func backupPolicy(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	out := c.show(r, "")
	for name, absent := range map[string]any{
		"PreferredBackupTime": "15:00Z-16:00Z", "PreferredBackupPeriod": "Tuesday,Friday", "BackupRetentionPeriod": 7, "BackupLog": "Enable",
		"LogBackupRetentionPeriod": 7, "EnableBackupLog": "1", "HighSpaceUsageProtection": "Enable", "LocalLogRetentionHours": 18, "LocalLogRetentionSpace": "30",
	} {
		out[name] = absent
		if v := r.str("_" + name); v != "" {
			out[name] = coerce(c.action.Response.Properties[name], v)
		}
	}
	return out, nil
}

func modifyBackupPolicy(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	for name := range c.args {
		r.set("_"+name, c.str(name))
	}
	return obj{"DBInstanceID": r.id}, nil
}

func noBackups(c *call) (obj, error) {
	if _, err := c.database(); err != nil {
		return nil, err
	}
	return obj{"PageNumber": "1", "PageRecordCount": "0", "TotalRecordCount": "0"}, nil
}

func createBackup(c *call) (obj, error) {
	if _, err := c.running(); err != nil {
		return nil, err
	}
	return obj{"BackupJobId": c.w.digits(8)}, nil
}

func dbSSL(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	return obj{"ConnectionString": r.str("ConnectionString"), "SSLEnabled": "No", "RequireUpdate": "No"}, nil
}

func dbTDE(c *call) (obj, error) {
	_, err := c.database()
	return obj{"TDEStatus": "Disabled"}, err
}

func sqlCollector(c *call) (obj, error) {
	_, err := c.database()
	return obj{"SQLCollectorStatus": "Disabled", "StoragePeriod": 30}, err
}

func sqlRetention(c *call) (obj, error) {
	_, err := c.database()
	return obj{"ConfigValue": "30"}, err
}

func dbHA(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	node := obj{"NodeId": "1", "NodeType": "Master", "ZoneId": r.str("ZoneId"), "RegionId": r.region}
	return merge(wrap("HostInstanceInfos.NodeInfo", []any{node}), obj{"DBInstanceId": r.id, "HAMode": "RPO", "SyncMode": "Sync"}), nil
}

func haSwitch(c *call) (obj, error) {
	_, err := c.database()
	return obj{"HAConfig": "Auto"}, err
}

func dbRenewal(c *call) (obj, error) {
	items := []any{}
	for _, r := range c.selected(kindDatabase, "DBInstanceId") {
		if r.is("PayType", "Prepaid") {
			items = append(items, obj{"DBInstanceId": r.id, "RegionId": r.region, "AutoRenew": "False", "Duration": 1, "Status": "Normal"})
		}
	}
	return merge(wrap("Items.Item", items), obj{"PageNumber": 1, "PageRecordCount": len(items), "TotalRecordCount": len(items)}), nil
}

func dbMonitor(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	return obj{"Period": textOr(r.attrs["_period"], "300")}, nil
}

func modifyDBMonitor(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	if !contains([]string{"5", "10", "60", "300"}, c.str("Period")) {
		return nil, c.fail("OperationDenied.DBInstanceMonitorPeriod", "Current DB instance does not support this monitor period.")
	}
	r.set("_period", c.str("Period"))
	return obj{}, nil
}

func pgHBA(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	return obj{"DBInstanceId": r.id, "LastModifyStatus": "success"}, nil
}

func dbKey(c *call) (obj, error) {
	_, err := c.database()
	return obj{}, err
}

func dbTags(c *call) (obj, error) {
	items := []any{}
	for _, r := range c.selected(kindDatabase, "DBInstanceId") {
		for key, value := range r.tags {
			items = append(items, obj{"TagKey": key, "TagValue": value, "DBInstanceIds": obj{"DBInstanceIds": []any{r.id}}})
		}
	}
	return wrap("Items.TagInfos", items), nil
}

func haDiagnose(c *call) (obj, error) {
	_, err := c.database()
	return obj{"TcpConnectionType": "SHORT"}, err
}

func linkedLists(c *call) (obj, error) {
	r, err := c.need(kindDatabase, c.str("InsName"), "InvalidDBInstanceId.NotFound")
	if err != nil {
		return nil, err
	}
	return obj{"Data": obj{"InsName": r.id}}, nil
}
