"""Given names that, standing alone, make one think of somebody or something that is not private.

Figures of scripture, myth, letters and songs, places, programs, brands, and words. Own compilation.
"""

from typing import Final

from gateway.core.pii.detector import words_of

NOT_ALONE: Final = words_of(
    "abbas abel abraham achilles ada adam adelaide adele ahab aida aiden ajax ake ala alan "
    "alexa alexandria alice alto ama amar amine ana andromeda ani anil anis apollo april ares "
    "ariadne ariel artemis asia asta athena atlanta august aurora ava awa aztec bailey bambi "
    "barbie barclay baron basso beau bela belem bernardo beyonce bill blake bob boer bohr "
    "bono bora brahma brandy bret briar brock buddha burt cain cairo cali callisto calypso "
    "candela carmen carthage carver casper cassandra cassia catalina celeste chad chai chan "
    "chela cher chien chuck cinderella cisco clark claude clemence clemency cleopatra clio "
    "cole conception cora cordelia cordoba cornel cortana coy cuba curie cyrus dag dante "
    "daphne darby darcy darwin debian delilah dell delphi demi denny der derrick desdemona "
    "dexter dieter dirk diwata dixie django donatello dora drake dudley duke dung durga earl "
    "earnest electra elif elmo elsa elvis emir emmy esau europa ezekiel faraday fermi ferrari "
    "flora florin ford frank freya frigg frodo galahad gale ganesh ganesha garfield gaston "
    "gem gen gene geneva georgia ginny goa goldie goliath gollum goneril grammy grant greet "
    "griffin guinevere gul gulden gulliver hafiz hamlet hanuman harry harsh haskell hector "
    "heinz helio hera herb hercules hermes hermione hilton hind homer horace horatio hubble "
    "hyacinth iago ibiza ilia imam inca india indra io ion iran iraq isaiah ishmael isolde "
    "israel jackson jamaica jarl jasmine jed jefferson jenkins jeremiah jesus job johnson "
    "jonah jordan joshua jud jude julia julienne juliet julio june juvenal kali kana katniss "
    "katrina kay kellogg kelvin ken kenya kerala khalifa khan kim king kip kirk kitty korg "
    "krishna lacy lagos lakshmi lam lambert lan lancelot larry lars lata laurel lazar lazarus "
    "lee leon leonardo levi lewis lexus lien lima lincoln lino lionel lloyd loki lolita lone "
    "lora louis lourdes luigi lulu madonna mae magi magnolia maha malaga mali mallory mana "
    "manal manas manila mao marc marine mario mark marlin marriott marseille mart marten "
    "martin marvin maven maxim maxwell may medina mel mercedes mercutio merida merle merlin "
    "messi michelangelo mila mina mir miranda mirza mitra mohammed morgan mort moses muhammad "
    "mulan nada nadir nan nana napoleon natal nazim nazir nemo nestle newton neymar niger "
    "nigeria noah nobel nori norma nova nubia oberon obi odessa odin olympia omer ophelia "
    "oprah ora oracle orion orna orpheus oscar othello ovid pal pamela pandora pansy paolo "
    "paris park pascal peer peggy pele penelope percival perry persephone perseus persia peso "
    "phoebe pia piet pino ploy porsche portia primrose prince prospero puck puja quan quito "
    "rada raid raj raja rama rana raphael rasa raya reem reese regan regina regula rein "
    "rembrandt rhea rick rihanna rima rob roland roma romeo ron ronaldo roque rosario rufus "
    "rumen rune rut ryder saber saga sai saint saki sal salma salomon salvador saman samara "
    "samson sander sanders santa santiago saul savanna saya scot scrooge selene serge shah "
    "shaikh shakira shakti shaw shelly sherlock sherry shin shiv shiva sho shylock sibyl "
    "siena sile simba sina sion siri sissy sita sofia sola solomon sonic sophia sora spencer "
    "sri stanley stein sten sting sultan sultana sura tala tam tamer tapas tara taro tawny "
    "tenor terry tesla thalia thor tiara tien tiffany tilde till tilly timon tine titania "
    "titus tobago toby tod tone tony tore tosca trace travis trent trinidad tristan troy tuan "
    "tuba tucker tufan tulsi tung tybalt udo ulysses ume urania uriel valencia valerian van "
    "veer velvet verona victoria vienna viola viral virgil vishnu vita von ward warren "
    "washington watson webb wellington wells wendy wenzel will willie wolfram xenia yaba yaw "
    "yen zain zelda zeus zillah"
)
