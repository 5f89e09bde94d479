"""Words that stand before a person's name in English texts: fields, roles, titles, greetings."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import Context, words_of

_KEYS_IN_CODE: Final = (
    "first_name",
    "last_name",
    "full_name",
    "given_name",
    "family_name",
    "display_name",
    "customer_name",
    "patient_name",
    "account_holder",
    'first"',
    'last"',
    'middle"',
    'given"',
    'family"',
    "given>",
    "family>",
    "first:",
    "last:",
)
_FIELDS: Final = words_of(
    "name names name_is name's first_name last_name full_name given_name family_name "
    "middle_name surname forename maiden_name legal_name birth_name real_name nickname "
    "display display_name firstname lastname fullname givenname familyname patient_name "
    "customer contact contact_name account_name attn user username user_name signed "
    "customer_name client_name employee_name student_name holder_name nombre apellido "
    "my_name_is named called alias aka names_are name_was forenames surname_and_forenames "
    "name_as_on_card name_on_card name_in_full surname_first"
)
# Who somebody is. They are words of prose as well.
_ROLES: Final = words_of(
    "patient patients client contact_person cardholder card_holder account_holder holder "
    "account_owner owner beneficiary payee payer insured policyholder policy_holder "
    "applicant attention recipient consignee addressee sender shipper next_of_kin "
    "next-of-kin emergency_contact guardian parent mother father spouse wife husband son "
    "daughter brother sister employee student pupil teacher tenant landlord buyer seller "
    "borrower lender debtor guarantor witness plaintiff defendant claimant respondent "
    "author physician doctor nurse driver passenger guest visitor attendee participant "
    "member subscriber assignee reporter manager supervisor director signatory signed_by "
    "prepared_by reviewed_by approved_by issued_to registered_to belongs_to made_out_to "
    "payable_to billed_to bill_to ship_to deliver_to delivered_to mail_to sold_to c/o "
    "care_of on_behalf_of spoke_with spoke_to speaking_with talked_to met_with signature "
    "from: to: cc: bcc: reply-to: who person candidate referee referred_by "
    "referring_physician attending consultant resident lessee lessor trustee heir nom "
    "people_call_me goes_by voter pt pts pcp complainant appellant petitioner deponent "
    "affiant juror suspect victim inmate caller donor volunteer pilot nanny carer caregiver "
    "neighbour neighbor roommate flatmate cousin niece nephew grandson granddaughter "
    "grandmother grandfather grandma grandpa boyfriend girlfriend fiance fiancee partner "
    "colleague coworker co-worker boss line_manager recruiter interviewer interviewee "
    "executor notary solicitor barrister lawyer tutor principal headteacher midwife "
    "therapist dentist surgeon gp organiser organizer occupant homeowner lodger co-signer "
    "cosigner sponsor booked_by reported_by submitted_by requested_by assigned_to owned_by "
    "served_by interviewed_by taken_by seen_by sold_by held_by signed_for_by checked_by "
    "accompanied_by landlord_is tenant_is patient_is contact_is owner_is manager_is boss_is "
    "doctor_is husband_is wife_is parents_of mother_of father_of guardian_of care_for mum "
    "mom dad attendees present apologies apologies_from absent invitees participants guests "
    "members students employees customers tenants witnesses roommates neighbours co-author "
    "coauthor crew staff duty_manager on_call engineer technician plumber electrician"
)
AFTER_FIELD: Final = Context(words=(*_FIELDS, *_ROLES, *_KEYS_IN_CODE), gap=8)
# Behind a role small letters are a name only if a colon stands between.
IN_FIELD: Final = Context(
    words=(*_FIELDS, *[f"{role.rstrip(':')}:" for role in _ROLES], *_KEYS_IN_CODE), gap=6
)
AFTER_TITLE: Final = Context(
    words=words_of(
        "mr mrs ms miss mx dr prof professor sir dame lord lady rev reverend father sister fr "
        "capt captain lt lieutenant sgt sergeant col colonel major gen officer detective "
        "constable inspector judge justice nurse madam mister herr frau señor señora senor senora "
        "sr sra srta monsieur madame mme mlle sheikh imam rabbi pastor uncle aunt auntie "
        "attorney senator councillor coach"
    ),
    gap=3,
    filler=frozenset(" .\n"),
)
AFTER_GREETING: Final = Context(
    words=words_of(
        "dear hi hello hey regards sincerely faithfully truly wishes cheers thanks thank_you love "
        "respectfully cordially yours best good_morning good_afternoon good_evening i_am i'm "
        "im this_is call_me it's meet ask_for speak_to speak_with talk_to"
    ),
    gap=8,
)
# What stands before the user in the line of a log.
IN_LOG: Final = Context(words=("- ", "user ", "user="), gap=0)
# The same in a chat without capitals.
IN_CHAT: Final = Context(words=words_of("its it's i'm im this_is hi hey hello ask_for"), gap=3)
