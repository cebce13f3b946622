package compute

import (
	"cmp"
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/gophercloud/gophercloud/v2/openstack/blockstorage/v3/volumes"

	computev1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/compute/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/ports"
	"github.com/yunqiao/yunqiao/drivers/openstack/session"
	"github.com/yunqiao/yunqiao/drivers/sdk"
)

// VMs serves cloud.compute.v1.VmService.
type VMs struct {
	computev1.UnimplementedVmServiceServer
	base
}

var _ computev1.VmServiceServer = (*VMs)(nil)

// GetVm reads a server, its ports, and for one that starts from a volume, that
// volume for its image.
func (v *VMs) GetVm(ctx context.Context, req *computev1.GetVmRequest) (*computev1.GetVmResponse, error) {
	s, err := v.openVM(ctx, req.GetId())
	if err != nil {
		return nil, err
	}
	sv, err := readServer(ctx, s, req.GetId())
	if err != nil {
		return nil, session.Error(err, typeVM, req.GetId())
	}
	imageID, err := bootImage(ctx, s, sv)
	if err != nil {
		return nil, err
	}
	list, err := mapServers(ctx, s, []server{*sv}, details{disks: true, image: imageID})
	if err != nil {
		return nil, err
	}
	return &computev1.GetVmResponse{Vm: list[0]}, nil
}

// ListVms reads a page of servers, and their ports with one query for 150 of them.
func (v *VMs) ListVms(ctx context.Context, req *computev1.ListVmsRequest) (*computev1.ListVmsResponse, error) {
	s, err := v.open(ctx)
	if err != nil {
		return nil, err
	}
	if len(req.GetIds()) > 0 {
		return listByIDs(ctx, s, req)
	}
	servers, next, err := readPage(ctx, s, req, func(marker string) url.Values { return listQuery(req, marker) })
	if err != nil {
		return nil, err
	}
	vms, err := mapServers(ctx, s, matching(servers, req), details{})
	return &computev1.ListVmsResponse{Vms: vms, NextPageToken: next}, err
}

// serverPage is one page; more tells that another follows.
type serverPage struct {
	servers []server
	more    bool
}

// readPage reads the page that a request asks for, and the token of the next one.
func readPage(ctx context.Context, s *session.Session, req sdk.PageRequest, query func(marker string) url.Values) (list []server, next string, err error) {
	p, err := session.After(ctx, req.GetPageToken(), isBadMarker, func(ctx context.Context, marker string) (serverPage, error) {
		servers, more, err := readServers(ctx, s, query(marker))
		return serverPage{servers, more}, err
	})
	if err != nil {
		return nil, "", session.Error(err, typeVM, "")
	}
	if p.more {
		next = session.PageToken(p.servers, func(sv *server) string { return sv.ID })
	}
	return p.servers, next, nil
}

// maxParallelReads bounds the reads of one list by ids, for which Nova has no query.
const maxParallelReads = 8

func listByIDs(ctx context.Context, s *session.Session, req *computev1.ListVmsRequest) (*computev1.ListVmsResponse, error) {
	servers, missing, err := readAll(ctx, s, req.GetIds())
	if err != nil {
		return nil, err
	}
	vms, err := mapServers(ctx, s, matching(servers, req), details{})
	return &computev1.ListVmsResponse{Vms: vms, MissingIds: missing}, err
}

// readAll reads servers by id, some at a time, in the order of ids.
func readAll(ctx context.Context, s *session.Session, ids []string) (found []server, missing []string, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	results := make([]*server, len(ids))
	errs := make([]error, len(ids))
	slots := make(chan struct{}, maxParallelReads)
	var wg sync.WaitGroup
	for i, id := range ids {
		if !session.IsUUID(id) {
			continue
		}
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			results[i], errs[i] = readServer(ctx, s, id)
			if errs[i] != nil && !session.IsNotFound(errs[i]) {
				cancel()
			}
		})
	}
	wg.Wait()
	var failure error
	for i, sv := range results {
		switch {
		case sv != nil:
			found = append(found, *sv)
		case errs[i] == nil, session.IsNotFound(errs[i]):
			missing = append(missing, ids[i])
		case failure == nil || !isCanceled(errs[i]):
			failure = errs[i]
		}
	}
	return found, missing, session.Error(failure, typeVM, "")
}

// details is what only GetVm tells of its one VM.
type details struct {
	disks bool
	image string // of a VM that starts from a volume
}

// mapServers maps servers with what must be read beside them: ports, flavors and
// images, each once for all.
func mapServers(ctx context.Context, s *session.Session, servers []server, d details) ([]*computev1.Vm, error) {
	if len(servers) == 0 {
		return nil, nil
	}
	ids := make([]string, len(servers))
	imageIDs := make([]string, len(servers))
	for i := range servers {
		ids[i], imageIDs[i] = servers[i].ID, cmp.Or(string(servers[i].Image), d.image)
	}
	byVM, err := ports.OfVMs(ctx, s, ids)
	if err != nil {
		return nil, err
	}
	images, err := knownImages(ctx, s, imageIDs)
	if err != nil {
		return nil, err
	}
	vms := make([]*computev1.Vm, len(servers))
	for i := range servers {
		sv := &servers[i]
		k := known{
			region:  s.Region,
			imageID: imageIDs[i],
			osType:  imageOSType(images[imageIDs[i]]),
			ports:   byVM[sv.ID],
			disks:   d.disks,
		}
		if k.flavorID, err = flavorIDByName(ctx, s, sv.Flavor.OriginalName); err != nil {
			return nil, err
		}
		vms[i] = toVM(sv, k)
	}
	return vms, nil
}

// bootImage is the image of a server that starts from a volume: the volume
// remembers it. Empty where the server itself names the image, or nobody knows.
func bootImage(ctx context.Context, s *session.Session, sv *server) (string, error) {
	if sv.Image != "" || len(sv.Volumes) == 0 || s.Volume == nil {
		return "", nil
	}
	id := sv.Volumes[0].ID
	image, err := s.BootImages.Get(ctx, id, func(ctx context.Context) (string, error) {
		volume, err := volumes.Get(ctx, s.Volume, id).Extract()
		if err != nil {
			return "", err
		}
		return volume.VolumeImageMetadata["image_id"], nil
	})
	if session.IsNotFound(err) {
		return "", nil
	}
	return image, session.Error(err, typeDisk, id)
}

// listQuery asks Nova for a page. Filters that Nova reads loosely (name is a
// pattern, a status has several states) only narrow it: matching decides.
func listQuery(req *computev1.ListVmsRequest, marker string) url.Values {
	query := pageQuery(req, marker)
	if name := req.GetName(); name != "" {
		query.Set("name", "^"+regexp.QuoteMeta(name)+"$")
	}
	for _, status := range statusesOf(req.GetState()) {
		query.Add("status", status)
	}
	return query
}

// statusesOf lists the statuses that a state can have; nil: not known so exactly.
func statusesOf(state computev1.VmState) []string {
	switch state {
	case computev1.VmState_VM_STATE_RUNNING:
		return []string{statusActive}
	case computev1.VmState_VM_STATE_STOPPED:
		return []string{statusShutoff, statusShelved, statusShelvedOffloaded}
	case computev1.VmState_VM_STATE_SUSPENDED:
		return []string{statusPaused, statusSuspended}
	case computev1.VmState_VM_STATE_ERROR:
		return []string{statusError}
	}
	return nil
}

// matching keeps the servers that pass all filters of the request.
func matching(servers []server, req *computev1.ListVmsRequest) []server {
	key, value, withValue := strings.Cut(req.GetTag(), "=")
	return slices.DeleteFunc(servers, func(sv server) bool {
		got, tagged := sv.Metadata[key]
		switch {
		case req.GetName() != "" && sv.Name != req.GetName(),
			req.GetZoneId() != "" && sv.Zone != req.GetZoneId(),
			req.GetState() != computev1.VmState_VM_STATE_UNSPECIFIED && stateOf(sv.Status, sv.TaskState) != req.GetState(),
			req.GetTag() != "" && (!tagged || session.IsReserved(key)),
			req.GetTag() != "" && withValue && got != value:
			return true
		}
		return false
	})
}
