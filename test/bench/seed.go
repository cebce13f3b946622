package main

import (
	"fmt"
	"net/http"
)

// seeded is what a VM needs.
type seeded struct{ imageID, subnetID any }

// seed makes a network and 100 VMs.
func seed(s *server) (*seeded, error) {
	network, err := s.call("POST", "/network/v1/network/create?wait_seconds=30",
		`{"account_id":"memory","name":"bench","subnets":[{"name":"bench","cidr":"10.9.0.0/16"}]}`)
	if err != nil {
		return nil, err
	}
	subnets, err := s.call("GET", fmt.Sprintf("/network/v1/subnet/list?account_id=memory&network_id=%v", network["id"]), "")
	if err != nil {
		return nil, err
	}
	images, err := s.call("GET", "/storage/v1/image/list?account_id=memory", "")
	if err != nil {
		return nil, err
	}
	first := func(answer map[string]any, list string) any { return answer[list].([]any)[0].(map[string]any)["id"] }
	made := &seeded{first(images, "images"), first(subnets, "subnets")}
	for i := range vms {
		wait := 0
		if i == vms-1 {
			wait = 60
		}
		method, path, body := made.createVM(i, wait)
		if _, err := s.call(method, path, body); err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (m *seeded) createVM(number, waitSeconds int) (method, path, body string) {
	return http.MethodPost, fmt.Sprintf("/compute/v1/vm/create?wait_seconds=%d", waitSeconds),
		fmt.Sprintf(`{"account_id":"memory","name":"vm-%05d","image_id":"%v","flavor_id":"memory.m1.tiny","nics":[{"subnet_id":"%v"}]}`,
			number, m.imageID, m.subnetID)
}
