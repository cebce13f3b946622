package storage

import (
	driverv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/driver/v1"

	"github.com/yunqiao/yunqiao/drivers/openstack/session"
)

// Features that an account may lack.
const (
	featureDeleteWithVM   = "storage.disk.delete_with_vm"
	featureResizeAttached = "storage.disk.resize_attached"
	featureFromImage      = "storage.disk.from_image"
	featureRestore        = "storage.snapshot.restore"
	featureFromSnapshot   = "storage.image.from_snapshot"
	featureFromVM         = "storage.image.from_vm"
	featureDeactivate     = "storage.image.deactivate"
)

// extendsAttached is the volume microversion that resizes volumes in use.
const extendsAttached = 42

// Features lists the optional abilities of the package.
func Features() []*driverv1.Feature {
	return []*driverv1.Feature{
		{Name: "storage.disk.description"},
		{Name: "storage.disk.tags", Note: "kept as volume metadata"},
		{Name: "storage.disk.standalone"},
		{Name: featureDeleteWithVM, Note: "compute microversion 2.85"},
		{Name: "storage.disk.from_snapshot"},
		{Name: featureFromImage},
		{Name: "storage.disk.resize"},
		{Name: featureResizeAttached, Note: "volume microversion 3.42, and a back end that can"},
		{Name: "storage.snapshot.description"},
		{Name: "storage.snapshot.tags", Note: "kept as snapshot metadata"},
		{Name: "storage.snapshot.never_attached_disk"},
		{Name: featureRestore, Note: "the latest snapshot, to a disk that is not attached and has not grown"},
		{Name: "storage.image.description"},
		{Name: "storage.image.tags"},
		{Name: featureFromSnapshot, Note: "the image refers to the snapshot and holds no data"},
		{Name: featureFromVM},
		{Name: featureDeactivate, Note: "old policies keep it for administrators"},
	}
}

// Attributes explains the keys of provider_attributes.
func Attributes() []*driverv1.AttributeDoc {
	return []*driverv1.AttributeDoc{
		{Resource: typeDiskType, Key: nativeTypeID, Meaning: "id of the volume type, whose name is the id here"},
	}
}

// AbsentFeatures lists those of Features that this account's cloud lacks.
func AbsentFeatures(s *session.Session) []string {
	var absent []string
	for feature, present := range map[string]bool{
		featureDeleteWithVM:   session.AtLeast(s.Compute, changesDeleteWithVM),
		featureResizeAttached: session.AtLeast(s.Volume, extendsAttached),
		featureFromImage:      s.Image != nil,
		featureRestore:        session.AtLeast(s.Volume, revertsToSnapshot),
		featureFromSnapshot:   s.Image != nil && s.Volume != nil,
		featureFromVM:         s.Image != nil && s.Compute != nil,
		featureDeactivate:     s.Image != nil,
	} {
		if !present {
			absent = append(absent, feature)
		}
	}
	return absent
}
