package session

import "context"

// containerNewest is the newest microversion of the container service whose behaviour
// the driver knows: 1.36, which has entry points (1.29).
const containerNewest = 36

// negotiateContainers finds the microversion of the container service. It stays
// without one where the service does not answer: the account shall open even if that
// one service is ill.
func (s *Session) negotiateContainers(ctx context.Context) error {
	if s.Container == nil {
		return nil
	}
	s.Container.Type = "container" // the name in the microversion's header
	if err := negotiate(ctx, s.Container, "1", 0, containerNewest); err != nil {
		s.Container.Microversion = ""
		return ctx.Err()
	}
	return nil
}
