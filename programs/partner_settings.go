package programs

import (
	"encoding/json"
	"net/url"

	programv1 "github.com/yunqiao/yunqiao/plugin-proto/gen/cloud/program/v1"
	"github.com/yunqiao/yunqiao/programs/gyt345"
)

// variant is how the partner departs from the profile.
func (r *partnerRow) variant() (v gyt345.Variant) {
	_ = json.Unmarshal([]byte(r.Variant), &v) // we wrote it; empty: the profile
	return v
}

// paths are those that the partner calls.
func (r *partnerRow) paths() (out map[gyt345.Interface]string) {
	_ = json.Unmarshal([]byte(r.Paths), &out) // we wrote it; empty: our own
	return out
}

func (r *partnerRow) setVariant(from *programv1.SigningVariant) error {
	if from == nil {
		return nil
	}
	v := fromProtoVariant(from)
	if !v.Valid() {
		return invalid("signing_variant.empty_sm2_user_id", "contradicts sm2_user_id")
	}
	r.Variant = ""
	if v == (gyt345.Variant{}) {
		return nil
	}
	text, err := json.Marshal(v)
	r.Variant = string(text)
	return err
}

func (r *partnerRow) setPaths(from *programv1.PublishedPaths) error {
	if from == nil {
		return nil
	}
	out := map[gyt345.Interface]string{}
	for on, path := range map[gyt345.Interface]string{
		gyt345.InterfaceSeries: from.GetSeries(), gyt345.InterfaceSeriesOffline: from.GetSeriesOffline(),
		gyt345.InterfaceProgram: from.GetProgram(), gyt345.InterfaceProgramOffline: from.GetProgramOffline(),
	} {
		if path == "" {
			continue
		}
		if _, err := url.PathUnescape(path); err != nil {
			return invalid("published_paths", "must be paths, percent-encoded as they are published")
		}
		out[on] = path
	}
	r.Paths = ""
	if len(out) == 0 {
		return nil
	}
	text, err := json.Marshal(out)
	r.Paths = string(text)
	return err
}

func fromProtoVariant(from *programv1.SigningVariant) gyt345.Variant {
	v := gyt345.Variant{UserID: from.GetSm2UserId(), EmptyUserID: from.GetEmptySm2UserId()}
	if from.GetRequestText() == programv1.RequestText_REQUEST_TEXT_SORTED_PARAMETERS {
		v.Request = gyt345.RequestSortedParameters
	}
	if from.GetMessageText() == programv1.MessageText_MESSAGE_TEXT_SORTED_MEMBERS {
		v.Message = gyt345.MessageSortedMembers
	}
	if from.GetSignedForm() == programv1.SignedForm_SIGNED_FORM_SM3_HEX {
		v.Signed = gyt345.SignedSM3Hex
	}
	if from.GetMacKey() == programv1.MacKey_MAC_KEY_SM3_OF_SECRET {
		v.Key = gyt345.KeySM3OfSecret
	}
	switch from.GetMacMethod() {
	case programv1.MacMethod_MAC_METHOD_SM4_CBC_MAC:
		v.MAC = gyt345.MACSM4CBCMAC
	case programv1.MacMethod_MAC_METHOD_HMAC_SM3:
		v.MAC = gyt345.MACHMACSM3
	}
	return v
}

func toProtoVariant(v gyt345.Variant) *programv1.SigningVariant {
	out := &programv1.SigningVariant{
		RequestText: programv1.RequestText_REQUEST_TEXT_FIVE_LINES, MessageText: programv1.MessageText_MESSAGE_TEXT_CANONICAL,
		SignedForm: programv1.SignedForm_SIGNED_FORM_TEXT, MacMethod: programv1.MacMethod_MAC_METHOD_SM4_CMAC,
		MacKey: programv1.MacKey_MAC_KEY_DERIVED, Sm2UserId: v.UserID, EmptySm2UserId: v.EmptyUserID,
	}
	if v.Request == gyt345.RequestSortedParameters {
		out.RequestText = programv1.RequestText_REQUEST_TEXT_SORTED_PARAMETERS
	}
	if v.Message == gyt345.MessageSortedMembers {
		out.MessageText = programv1.MessageText_MESSAGE_TEXT_SORTED_MEMBERS
	}
	if v.Signed == gyt345.SignedSM3Hex {
		out.SignedForm = programv1.SignedForm_SIGNED_FORM_SM3_HEX
	}
	if v.Key == gyt345.KeySM3OfSecret {
		out.MacKey = programv1.MacKey_MAC_KEY_SM3_OF_SECRET
	}
	switch v.MAC {
	case gyt345.MACSM4CBCMAC:
		out.MacMethod = programv1.MacMethod_MAC_METHOD_SM4_CBC_MAC
	case gyt345.MACHMACSM3:
		out.MacMethod = programv1.MacMethod_MAC_METHOD_HMAC_SM3
	}
	return out
}

func toProtoPaths(paths map[gyt345.Interface]string) *programv1.PublishedPaths {
	return &programv1.PublishedPaths{
		Series: paths[gyt345.InterfaceSeries], SeriesOffline: paths[gyt345.InterfaceSeriesOffline],
		Program: paths[gyt345.InterfaceProgram], ProgramOffline: paths[gyt345.InterfaceProgramOffline],
	}
}
