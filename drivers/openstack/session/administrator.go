package session

import "slices"

// Administrator tells whether the services show the account other projects' resources
// and let it change them, by their default policies.
func (s *Session) Administrator() (bool, error) {
	roles, err := s.roles()
	return slices.Contains(roles, "admin"), err
}
