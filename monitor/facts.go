package monitor

import (
	"context"
	"fmt"
	"time"

	monitorv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/monitor/v1"
)

// Fact is something that is wrong with the gateway, or with what it works with. It is
// an alarm as long as it holds.
type Fact struct {
	Name, ObjectID, TenantID, Description, ProbableCause string
	Type                                                 monitorv1.AlarmType
	Severity                                             monitorv1.Severity
	Labels                                               map[string]string
	// After is how long it must hold before it is raised, as far as this process saw.
	After time.Duration
}

// Facts reads all facts that hold now. With an error nothing is known.
type Facts interface {
	Facts(ctx context.Context) ([]Fact, error)
}

// checkFacts raises what holds and was not raised, and clears what does not hold any
// more.
func (m *Module) checkFacts(ctx context.Context) error {
	facts, err := m.opts.Facts.Facts(ctx)
	if err != nil {
		return fmt.Errorf("read own events: %w", err)
	}
	var rows []alarmRow
	if err := m.store.Read.WithContext(ctx).Where(ownSources).Where("source = ?", sourceGateway).Find(&rows).Error; err != nil {
		return fmt.Errorf("read alarms: %w", err)
	}
	raised := map[string]*alarmRow{}
	for i := range rows {
		raised[rows[i].Identity] = &rows[i]
	}
	var commands []*command
	now := m.opts.Now()
	since := map[string]time.Time{}
	for i := range facts {
		f := &facts[i]
		id := identity(f.TenantID, f.Name, f.ObjectID, f.Labels)
		since[id] = now
		if began, ok := m.factsSince[id]; ok {
			since[id] = began
		}
		known := raised[id]
		delete(raised, id)
		if known == nil && now.Sub(since[id]) < f.After {
			continue
		}
		if known != nil && known.Severity == int32(f.Severity) && known.Description == f.Description {
			continue
		}
		commands = append(commands, &command{identity: id, raise: &raise{
			tenant: f.TenantID, name: f.Name, object: f.ObjectID, description: f.Description, cause: f.ProbableCause, source: sourceGateway, labels: f.Labels,
			kind: int32(f.Type), dataType: int32(monitorv1.AlarmDataType_ALARM_DATA_TYPE_EVENT), severity: int32(f.Severity),
		}})
	}
	m.factsSince = since
	return m.submit(ctx, append(commands, clears(keys(raised))...))
}
