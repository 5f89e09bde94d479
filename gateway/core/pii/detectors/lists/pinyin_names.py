"""Romanised surnames of Chinese, Vietnamese and Korean. Own compilation."""

from typing import Final

from gateway.core.pii.detector import words_of

ROMANISED_SURNAMES: Final = words_of(
    "ahn ai an bae baek bai ban bao bei bi bian bo bu bui cai cao cen chai chan chang che chen "
    "cheng cheuk cheung chi chiu cho choi chong chow chu cui dai dang deng di ding dinh doan "
    "dong dongfang dou du duan duong fan fang fei feng fu fung gan gao ge geng gong gou gu guan "
    "gui guo hai han hao he hoang hong hou hu hua huang huangfu hui huo huynh hwang jang jeong "
    "ji jia jian jiang jiao jin jing ju jung kang ke kim kong kuang kwan kwok kwon kwong lai "
    "lan lang lau lee lei leng leung li lian liang liao lim lin ling linghu liu long lou lu lui "
    "luo luong ly lyu ma mak mao mei meng mi miao min ming mo moon mu murong nam nangong ngan "
    "ngo nguyen ni nie ning niu noh oh ou ouyang pan pang park pei peng pham phan pi ping pu "
    "pun qi qian qiang qiao qin qiu qu quan ran rao ren rong ruan rui ryu seo sha shan shang "
    "shangguan shao shen sheng shi shin shu shum si sima situ siu song su sui sun szeto tam tan "
    "tang tao teng tian tong tran trinh truong tsang tse tsoi tsui tu vo vu wai wan wang wei "
    "wen weng wong wu xi xia xiahou xian xiang xiao xie xin xing xiong xu xuan xue yan yang yao "
    "yau ye yeung yi yin ying yip yoo yoon you yu yuan yue yuen yun yung zang zeng zha zhai "
    "zhan zhang zhao zhen zheng zhong zhou zhu zhuang zhuge zhuo zong zou zu zuo"
)
