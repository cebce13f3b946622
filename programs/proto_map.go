package programs

import (
	"cmp"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

func fromProtoParts(p programv1.SignatureParts) gyt345.Parts {
	switch p {
	case programv1.SignatureParts_SIGNATURE_PARTS_SIGNATURE:
		return gyt345.PartsSignature
	case programv1.SignatureParts_SIGNATURE_PARTS_MAC:
		return gyt345.PartsMAC
	default:
		return gyt345.PartsBoth
	}
}

func toProtoPartner(r partnerRow, credentials []credentialRow, leniencies []leniencyRow) *programv1.Partner {
	p := &programv1.Partner{
		Id: r.GroupID, Name: r.Name, StrictSignatures: r.Strict, WindowSeconds: r.WindowSec, MaxBodyBytes: r.MaxBody, MessagesPerSecond: r.PerSecond,
		SignatureParts:   programv1.SignatureParts(programv1.SignatureParts_value["SIGNATURE_PARTS_"+strings.ToUpper(cmp.Or(r.Parts, string(gyt345.PartsBoth)))]),
		SeriesOfflineUrl: r.SeriesURL, ProgramOfflineUrl: r.ProgramURL, State: programv1.PartnerState(programv1.PartnerState_value["PARTNER_STATE_"+r.State]),
		CreatedAt: timestamp(&r.CreatedAt), UpdatedAt: timestamp(&r.UpdatedAt),
		SigningVariant: toProtoVariant(r.variant()), PublishedPaths: toProtoPaths(r.paths()), Tls: toProtoTLS(&r),
	}
	for _, l := range leniencies {
		p.Leniencies = append(p.Leniencies, &programv1.Leniency{
			Note: l.Note, Messages: int32(min(l.Messages, math.MaxInt32)), FirstAt: timestamp(&l.FirstAt), LastAt: timestamp(&l.LastAt),
		})
	}
	if r.AllowedIPs != "" {
		p.AllowedNetworks = strings.Split(r.AllowedIPs, ",")
	}
	for _, c := range credentials {
		switch c.Kind {
		case credentialPublic:
			p.PublicKeys = append(p.PublicKeys, toProtoKey(c))
		case credentialSecret:
			p.Secrets = append(p.Secrets, toProtoKey(c))
		}
	}
	return p
}

func toProtoKey(c credentialRow) *programv1.PartnerKey {
	key := &programv1.PartnerKey{Id: c.ID, PublicKey: c.Public, CreatedAt: timestamp(&c.CreatedAt)}
	if public, err := gyt345.ParsePublicKey(c.Public); err == nil { // a secret has none
		key.Fingerprint = public.Fingerprint()
	}
	if valid, err := gyt345.ValidityOf(c.Text); err == nil && !valid.Until.IsZero() {
		key.ValidFrom, key.ValidUntil = timestamp(&valid.From), timestamp(&valid.Until)
	}
	return key
}

func toProtoRecord(r *recordRow) *programv1.Record {
	return &programv1.Record{
		Id: r.ID, GroupId: r.GroupID, RecordId: r.RecordID, Title: r.Title, Category: r.Category, Definition: r.Definition, Year: r.Year,
		SeriesId: r.SeriesID, Status: r.Status, Online: r.Online, OnlineSince: timestamp(r.OnlineSince), Locked: r.Locked, Deleted: r.Deleted,
		Withdrawn: r.Withdrawn, Version: r.Version, MessageId: r.MsgID, MessageTime: timestamppb.New(time.UnixMilli(r.MsgTime)),
		Metadata: r.Metadata, CreatedAt: timestamp(&r.CreatedAt), UpdatedAt: timestamp(&r.UpdatedAt),
	}
}

func toProtoRecords(rows []recordRow) []*programv1.Record {
	out := make([]*programv1.Record, len(rows))
	for i := range rows {
		out[i] = toProtoRecord(&rows[i])
	}
	return out
}

func fromProtoKind(k programv1.RecordKind) Kind {
	if k == programv1.RecordKind_RECORD_KIND_SERIES {
		return KindSeries
	}
	return KindProgram
}

func toProtoKind(k Kind) programv1.RecordKind {
	if k == KindSeries {
		return programv1.RecordKind_RECORD_KIND_SERIES
	}
	return programv1.RecordKind_RECORD_KIND_PROGRAM
}

func toProtoEmergency(e *emergencyRow, deliveries []deliveryRow) *programv1.Emergency {
	out := &programv1.Emergency{
		Id: e.ID, GroupId: e.GroupID, Kind: toProtoKind(e.Kind), RecordIds: e.ids(), Reason: e.Reason,
		State:       programv1.EmergencyState(programv1.EmergencyState_value["EMERGENCY_STATE_"+e.State]),
		RequestedBy: e.RequestedBy, RequestedAt: timestamp(&e.RequestedAt), DecidedBy: e.DecidedBy, DecidedAt: timestamp(e.DecidedAt),
		LiftedBy: e.LiftedBy, LiftedAt: timestamp(e.LiftedAt),
	}
	for _, d := range deliveries {
		delivery := &programv1.Delivery{
			Target: d.Target, State: programv1.DeliveryState(programv1.DeliveryState_value["DELIVERY_STATE_"+d.State]), Attempts: d.Attempts,
			LastError: d.LastError, ConfirmedAt: timestamp(d.ConfirmedAt),
		}
		if d.State == deliveryPending {
			delivery.NextAttemptAt = timestamppb.New(time.UnixMilli(d.NextAt))
		}
		out.Deliveries = append(out.Deliveries, delivery)
	}
	return out
}

func toProtoChange(r *changeRow) *programv1.Change {
	c := &programv1.Change{
		Cursor: cursor(r.Position), Id: r.RecordKey, Kind: toProtoKind(r.Kind), GroupId: r.GroupID, RecordId: r.RecordID, Version: r.Version,
		Online: r.Online, Cause: r.Cause, At: timestamp(&r.At),
	}
	if r.Online {
		c.Metadata = r.Metadata
	}
	return c
}

func toProtoMessage(r *messageRow) *programv1.Message {
	m := &programv1.Message{
		Id: r.ID, At: timestamp(&r.At), Outgoing: r.Outgoing, GroupId: r.GroupID, Interface: r.Interface, Path: r.Path, Query: r.Query,
		RemoteIp: r.RemoteIP, KeyFingerprint: r.KeyUsed, MessageId: r.MsgID, MessageType: int32(r.MsgType), BodySm3: r.Digest,
		BodyBytes: int32(r.BodySize), Outcome: r.Outcome, HttpStatus: int32(r.HTTP), Code: r.Code, Cause: r.Cause, Body: r.Body,
	}
	if r.Notes != "" {
		m.Notes = strings.Split(r.Notes, "\n")
	}
	return m
}

func toProtoLink(r *linkRow) *programv1.Link {
	return &programv1.Link{
		Id: r.ID, RecordId: r.RecordKey, ResourceId: r.ResourceID, ValidFrom: timestamp(&r.ValidFrom), ValidUntil: timestamp(r.ValidUntil),
	}
}
