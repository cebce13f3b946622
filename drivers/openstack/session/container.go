package session

import "context"

const (
	containerMajor = "1"
	// containerNewest is the newest microversion of the container service whose
	// behaviour the driver knows: 1.36, which has entry points (1.29).
	containerNewest = 36
)

// negotiateContainers finds the microversion of the container service. Where that does
// not answer, the account opens all the same, and WithContainers asks again.
func (s *Session) negotiateContainers(ctx context.Context) error {
	if s.Container == nil {
		return nil
	}
	s.Container.Type = "container" // the name in the microversion's header
	return s.optional(ctx, func(ctx context.Context) error {
		err := negotiate(ctx, s.Container, containerMajor, 0, containerNewest)
		s.ContainerAway = err != nil
		return err
	})
}

// WithContainers is the session for a call to the container service, with its
// microversion. Errors: UNSUPPORTED_METHOD, or the contract's for a service that does not
// answer.
func (s *Session) WithContainers(ctx context.Context) (*Session, error) {
	if err := Require(s.Container); err != nil || !s.ContainerAway {
		return s, err
	}
	client := *s.Container
	if err := negotiate(ctx, &client, containerMajor, 0, containerNewest); err != nil {
		return nil, err
	}
	renewed := *s
	renewed.Container, renewed.ContainerAway = &client, false
	return &renewed, nil
}
