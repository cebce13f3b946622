package sim

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// dbParameter is a setting of a database engine.
type dbParameter struct {
	name, value, allowed string
	restart              bool
}

// dbParametersOf are some of an engine's parameters.
func dbParametersOf(engine string) []dbParameter {
	switch strings.ToLower(engine) {
	case "mysql", "mariadb":
		return []dbParameter{
			{"delayed_insert_timeout", "300", "[1-3600]", false},
			{"innodb_large_prefix", "OFF", "[ON|OFF]", false},
			{"long_query_time", "1", "[0.03-31536000]", false},
			{"max_connections", "2000", "[10-100000]", false},
			{"max_length_for_sort_data", "1024", "[0-838860]", false},
			{"performance_schema", "OFF", "[ON|OFF]", true},
		}
	case "postgresql":
		return []dbParameter{
			{"log_min_duration_statement", "1000", "[-1-2147483647]", false}, {"max_connections", "2000", "[10-100000]", true},
			{"work_mem", "4096", "[64-2147483647]", false},
		}
	}
	return []dbParameter{{"max degree of parallelism", "2", "[0-64]", false}}
}

// parametersOf are a database's, those that were changed and the others.
func parametersOf(r *record) map[string]string {
	out := map[string]string{}
	for _, p := range dbParametersOf(r.str("Engine")) {
		out[p.name] = p.value
	}
	changed, _ := r.attrs["_parameters"].(map[string]string)
	maps.Copy(out, changed)
	return out
}

func dbParameters(c *call) (obj, error) {
	r, err := c.database()
	if err != nil {
		return nil, err
	}
	values := parametersOf(r)
	items := []any{}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		items = append(items, obj{"ParameterName": name, "ParameterValue": values[name]})
	}
	return merge(wrap("RunningParameters.DBInstanceParameter", items), obj{"Engine": r.str("Engine"), "EngineVersion": r.str("EngineVersion")}), nil
}

func parameterTemplates(c *call) (obj, error) {
	items := []any{}
	for _, p := range dbParametersOf(c.str("Engine")) {
		items = append(items, obj{
			"ParameterName": p.name, "ParameterValue": p.value, "CheckingCode": p.allowed, "ForceModify": "true", "ForceRestart": text(p.restart),
		})
	}
	return merge(wrap("Parameters.TemplateRecord", items), obj{
		"Engine": c.str("Engine"), "EngineVersion": c.str("EngineVersion"), "ParameterCount": text(len(items)),
	}), nil
}

func modifyParameter(c *call) (obj, error) {
	r, err := c.running()
	if err != nil {
		return nil, err
	}
	var asked map[string]string
	if json.Unmarshal([]byte(c.str("Parameters")), &asked) != nil {
		return nil, c.fail("InvalidParameters.Format", "The specified parameters are not valid.")
	}
	values, restart := parametersOf(r), false
	for name := range asked {
		if _, ok := values[name]; !ok {
			return nil, c.fail("InvalidInstanceParameter", "There is no parameter %s.", name)
		}
	}
	for _, p := range dbParametersOf(r.str("Engine")) {
		_, changes := asked[p.name]
		restart = restart || changes && p.restart
	}
	if restart && !c.yes("Forcerestart") {
		return nil, c.fail("Parameters.Invalid", "The change needs a restart.")
	}
	maps.Copy(values, asked)
	r.set("_parameters", values)
	if restart {
		r.set("DBInstanceStatus", "Rebooting")
		c.becomes(r, "DBInstanceStatus", "Running")
	}
	return obj{}, nil
}
