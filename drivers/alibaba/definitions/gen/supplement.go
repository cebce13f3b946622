package main

import (
	"fmt"
	"maps"
)

// supplement adds to a product what the published metadata leaves out and clients are
// known to use: whole actions, and members of answers of published ones.
func (p *product) supplement(more *product) error {
	for name, a := range more.Actions {
		known := p.Actions[name]
		if known == nil {
			p.Actions[name] = a
			continue
		}
		if len(a.Parameters) > 0 || len(a.Errors) > 0 {
			return fmt.Errorf("%s is published: only members of its answer can be added", name)
		}
		if err := known.Response.supplement(a.Response); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// supplement adds the members that a schema does not have.
func (s *schema) supplement(more *schema) error {
	if s == nil || more == nil || s.Type != more.Type || s.Ref != "" {
		return fmt.Errorf("the answer is not as published")
	}
	if s.Properties == nil && len(more.Properties) > 0 {
		s.Properties = maps.Clone(more.Properties)
		return nil
	}
	for name, member := range more.Properties {
		known := s.Properties[name]
		if known == nil {
			s.Properties[name] = member
			continue
		}
		if err := known.supplement(member); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if more.Items != nil {
		if err := s.Items.supplement(more.Items); err != nil {
			return fmt.Errorf("[]: %w", err)
		}
	}
	return nil
}
