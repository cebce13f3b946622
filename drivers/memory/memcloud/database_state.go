package memcloud

import (
	"time"

	databasev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/database/v1"
)

// How long a database instance's moves take at scale 1.
const (
	instanceCreateDelay = 5 * time.Second
	instanceDelay       = 2 * time.Second
)

const (
	defaultDatabaseUser = "yqadmin"
	storageStepGib      = 5
)

// portOf is the port that an engine listens on.
func portOf(engine databasev1.EngineType) int32 {
	switch engine {
	case databasev1.EngineType_ENGINE_TYPE_POSTGRESQL:
		return 5432
	case databasev1.EngineType_ENGINE_TYPE_SQLSERVER:
		return 1433
	default:
		return 3306
	}
}

// settleInstance ends a database instance's move.
func settleInstance(v *view, r *record) {
	r, instance := instances.edit(v, r)
	switch instance.GetState() {
	case databasev1.InstanceState_INSTANCE_STATE_CREATING, databasev1.InstanceState_INSTANCE_STATE_RESTARTING,
		databasev1.InstanceState_INSTANCE_STATE_UPDATING:
		settleTo(r, databasev1.InstanceState_INSTANCE_STATE_RUNNING, databasev1.InstanceState_INSTANCE_STATE_ERROR)
		instance.Health = databasev1.InstanceHealth_INSTANCE_HEALTH_HEALTHY
		if instance.GetState() == databasev1.InstanceState_INSTANCE_STATE_ERROR {
			instance.Health = databasev1.InstanceHealth_INSTANCE_HEALTH_UNHEALTHY
		}
	case databasev1.InstanceState_INSTANCE_STATE_DELETING:
		removeDeviceNICs(v, r.id)
		v.remove(r.key)
	}
}
