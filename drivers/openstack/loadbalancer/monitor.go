package loadbalancer

import (
	"context"
	"maps"

	apiv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/api/v1"
	networkv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/network/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/rest"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// stepMonitor is the next step in which a pool's monitor is made, changed or
// removed. That of CreatePool goes on with ":" and the pool's id.
const stepMonitor = "monitor"

// checkMonitor refuses what no monitor of Octavia can do.
func checkMonitor(m *networkv1.HealthMonitor) error {
	if m.GetPort() != 0 {
		return sdk.Unsupported("network.pool.monitor_port")
	}
	return nil
}

// setMonitor takes one step towards the monitor that a pool shall have, nil being
// none: where the lock, or a monitor of another type, is in the way, step goes on.
// Repeating it changes nothing more. Errors: NOT_FOUND of the pool, INVALID_STATE,
// or those of the contract.
func setMonitor(ctx context.Context, client *rest.Client, p *pool, wanted *networkv1.HealthMonitor, step string) error {
	err := changeMonitor(ctx, client, p, wanted, step)
	switch {
	case err == nil:
		return nil
	case locked(err):
		return again(ctx, client, firstID(p.LoadBalancers), step, err)
	case sdk.ReasonOf(session.Error(err, pools.Type, p.ID)) == apiv1.Reason_REASON_ALREADY_EXISTS:
		sdk.SetNextStep(ctx, step, pollAfter) // made since the pool was read
		return nil
	default:
		return session.Error(err, pools.Type, p.ID, sdk.Field("health_monitor"))
	}
}

func changeMonitor(ctx context.Context, client *rest.Client, p *pool, wanted *networkv1.HealthMonitor, step string) error {
	if p.MonitorID == "" {
		if wanted == nil {
			return nil
		}
		attributes := maps.Clone(fromProtoMonitor(wanted))
		maps.DeleteFunc(attributes, func(_ string, value any) bool { return value == nil })
		attributes["pool_id"], attributes["type"] = p.ID, fromProtoMonitorType(wanted.GetType())
		_, err := monitors.Create(ctx, client, attributes)
		return err
	}
	if wanted == nil {
		return monitors.Delete(ctx, client, p.MonitorID)
	}
	present, err := monitors.Get(ctx, client, p.MonitorID)
	if sdk.ReasonOf(err) == apiv1.Reason_REASON_NOT_FOUND {
		sdk.SetNextStep(ctx, step, pollAfter) // removed since the pool was read
		return nil
	}
	if err != nil {
		return err
	}
	if present.Type == fromProtoMonitorType(wanted.GetType()) {
		_, err = monitors.Update(ctx, client, p.MonitorID, fromProtoMonitor(wanted))
		return err
	}
	if err := monitors.Delete(ctx, client, p.MonitorID); err != nil {
		return err
	}
	sdk.SetNextStep(ctx, step, pollAfter)
	return nil
}
