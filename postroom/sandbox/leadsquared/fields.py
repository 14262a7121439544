"""The fields of leads, and their metadata.

Sources: "Get Metadata", "Get a Lead Field's Properties" (the properties and their types, strings among them),
"Create a Custom Lead Field" (data types), the samples of "Get a Lead by Email" (the fields that every account
has). Lengths are those of the samples where they have one, 200 otherwise.
"""

from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

_RENDERED = {
    "Text": (1, "Textbox"),
    "Number": (2, "Number"),
    "Email": (5, "Email"),
    "Phone": (6, "Phone"),
    "Website": (7, "URL"),
    "Date": (8, "Date"),
    "Select": (13, "Dropdown"),
    "Boolean": (12, "CheckBox"),
    "Time": (21, "Time"),
    "UniqueIdentifier": (1, "Textbox"),
}
DATA_TYPES = frozenset(_RENDERED)


@dataclass(frozen=True, slots=True)
class LeadField:
    """One field of a lead."""

    schema: str
    display: str
    data_type: str = "Text"
    most: int = 200
    """Characters; 0 for no limit."""
    unique: bool = False
    mandatory: bool = False
    read_only: bool = False
    default: str | None = None
    options: tuple[str, ...] = ()

    def metadata(self, *, with_options: bool) -> dict[str, object]:
        render, words = _RENDERED[self.data_type]
        shown: dict[str, object] = {
            "Entity": "1",
            "SchemaName": self.schema,
            "DisplayName": self.display,
            "DataType": self.data_type,
            "IsMandatory": self.mandatory,
            "MaxLength": str(self.most),
            "EntityAttributeId": str(uuid5(NAMESPACE_URL, self.schema)),
            "Name": self.schema,
            "EntityAttributeType": 1 if not self.schema.startswith("mx_") else 2,
            "RenderType": render,
            "RenderTypeTextValue": words,
            "IsVisible": True,
            "IsSearchable": True,
            "IsLeadIdentifier": self.unique,
            "LockAfterCreate": int(self.read_only),
            "UseInLeadClone": not self.unique,
            "IsSortable": True,
        }
        if self.options and with_options:
            shown["Options"] = [{"Value": option} for option in self.options]
        return shown


def _system(*names: str) -> tuple[LeadField, ...]:
    """Fields that the service itself keeps."""
    return tuple(LeadField(name, name, read_only=True) for name in names)


STANDARD = (
    LeadField("ProspectID", "Lead Id", "UniqueIdentifier", read_only=True),
    LeadField("ProspectAutoId", "Lead Number", "Number", read_only=True),
    LeadField("FirstName", "First Name"),
    LeadField("LastName", "Last Name"),
    LeadField("EmailAddress", "Email Address", "Email", unique=True),
    LeadField("Company", "Company"),
    LeadField("Origin", "Origin"),
    LeadField("Phone", "Phone Number", "Phone", 50, unique=True),
    LeadField("Mobile", "Mobile Number", "Phone", 50, unique=True),
    LeadField("JobTitle", "Job Title"),
    LeadField("Website", "Website", "Website"),
    LeadField("TimeZone", "Time Zone"),
    LeadField("Source", "Lead Source"),
    LeadField("SourceMedium", "Source Medium"),
    LeadField("SourceCampaign", "Source Campaign"),
    LeadField("SourceContent", "Source Content"),
    LeadField("Notes", "Notes", most=2000),
    LeadField("DoNotEmail", "Do Not Email", "Boolean", default="0"),
    LeadField("DoNotCall", "Do Not Call", "Boolean", default="0"),
    LeadField("ProspectStage", "Lead Stage", default="Prospect"),
    LeadField("Score", "Lead Score", "Number", default="0"),
    LeadField("Revenue", "Revenue", "Number"),
    LeadField("EngagementScore", "Engagement Score", "Number", read_only=True, default="0"),
    *_system("TotalVisits", "PageViewsPerVisit", "AvgTimePerVisit", "RelatedProspectId"),
    *_system("ProspectActivityId_Min", "ProspectActivityDate_Min", "Web_Referrer", "Web_RefKeyword"),
    *_system("ProspectActivityId_Max", "ProspectActivityName_Max", "ProspectActivityDate_Max"),
    *_system("RelatedLandingPageId", "FirstLandingPageSubmissionId", "FirstLandingPageSubmissionDate"),
    LeadField("OwnerId", "Owner", "UniqueIdentifier"),
    *_system("OwnerIdName", "OwnerIdEmailAddress"),
    *_system("CreatedBy", "CreatedByName", "CreatedOn", "ModifiedBy", "ModifiedByName", "ModifiedOn"),
    *_system("LeadLastModifiedOn", "LeadConversionDate"),
    LeadField("StatusCode", "Status Code", read_only=True, default="0"),
    LeadField("StatusReason", "Status Reason", read_only=True, default="0"),
    LeadField("IsLead", "Is Lead", read_only=True, default="1"),
    LeadField("mx_Street1", "Address 1"),
    LeadField("mx_Street2", "Address 2"),
    LeadField("mx_City", "City"),
    LeadField("mx_State", "State"),
    LeadField("mx_Country", "Country"),
    LeadField("mx_Zip", "Zip", most=50),
)
