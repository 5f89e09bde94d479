"""Words that stand before a person's name, or right behind it, in Chinese texts and fields."""

from __future__ import annotations

from typing import Final

from gateway.core.pii.detector import FILLER, Context, words_of

# Fields that hold a name and nothing else.
_NAME_FIELDS: Final = (
    *words_of(
        "姓名 姓_名 名字 真实姓名 客户姓名 患者姓名 学生姓名 员工姓名 车主姓名 户主姓名 "
        "联系人姓名 收货人姓名 收件人姓名 持卡人姓名 申请人姓名 家长姓名 父亲姓名 母亲姓名 "
        "法人姓名 开户姓名 用户姓名 中文名 中文姓名 姓名为 姓名是 全名 本名 真名 原名 曾用名 "
        "实名 化名 户名 开户名 账户名称 账户名 收款户名 付款户名 名叫 叫做 名唤 我叫 他叫 她叫 "
        "叫我 名字叫 名字是 名字写 署名 签名 签字 联系人 联系人是 联系人为 联系人应为 姓名： "
        "客户名称 户主 收款人 付款人 姓 名 姓名拼音 昵称 称呼 name full_name real_name xm 姓名栏"
    ),
    "full_name",
    "fullname",
    "real_name",
    "realname",
    "user_realname",
    "customer_name",
    "customername",
    "cust_name",
    "cust",
    "client_name",
    "patient_name",
    "contact_name",
    "contactname",
    "receiver_name",
    "receiver",
    "recipient",
    "recipient_name",
    "consignee",
    "account_name",
    "account_holder",
    "cardholder",
    "holder",
    "holder_name",
    "owner",
    "owner_name",
    "driver_name",
    "student_name",
    "teacher_name",
    "employee_name",
    "emp_name",
    "staff_name",
    "member_name",
    "applicant",
    "applicant_name",
    "beneficiary",
    "insured",
    "insured_name",
    "patient",
    "contact",
    "customer",
    "payee",
    "payer",
    "guardian",
    "legal_person",
    "legal_representative",
    "nick_name",
    "nickname",
    "truename",
    "true_name",
    "xingming",
    "cname",
    "zh_name",
    "sender",
    "sender_name",
    "person",
    "person_name",
    "passenger",
    "passenger_name",
    "guest_name",
    "buyer_name",
    "seller_name",
    "signer",
)
# Who somebody is: the name follows, at once or behind a colon.
_ROLES: Final = words_of(
    "人: 员: 者: 师: 长: 生: 方: 主: 工: 开票人 收票人 受票人 订购人 下单人 团长 发货 患者 病人 "
    "病患 产妇 孕妇 患儿 新生儿 死者 伤者 逝者 病员 就诊人 受检者 受种者 接种人 供者 受者 收货人 "
    "收件人 收货方 寄件人 发件人 发货人 取件人 提货人 自提人 签收人 代收人 联系人 紧急联系人 "
    "联络人 联络员 对接人 接口人 经手人 经办人 经办 承办人 法定代表人 法人代表 法人 法代 负责人 "
    "责任人 实际控制人 股东 董事 监事 高管 合伙人 投资人 出资人 申请人 申报人 报名人 报告人 "
    "填表人 填报人 登记人 预约人 预订人 订票人 购票人 乘车人 乘客 旅客 乘机人 入住人 住客 房客 "
    "客人 宾客 委托人 受托人 代理人 被代理人 代办人 授权人 被授权人 公证人 当事人 原告 被告 "
    "原告人 被告人 上诉人 被上诉人 申请执行人 被执行人 执行人 申诉人 被申请人 第三人 证人 "
    "犯罪嫌疑人 嫌疑人 嫌犯 受害人 被害人 受害者 报案人 报警人 举报人 被举报人 投诉人 来电人 "
    "来访人 访客 拜访人 被访人 目击者 见证人 担保人 保证人 借款人 贷款人 还款人 债务人 债权人 "
    "出借人 抵押人 存款人 开户人 汇款人 收款人 付款人 取款人 领款人 领取人 受益人 投保人 "
    "被保险人 被保人 参保人 保险人 理赔人 继承人 被继承人 遗嘱人 立遗嘱人 赠与人 受赠人 权利人 "
    "共有人 产权人 所有权人 所有人 业主 房东 租客 承租人 出租人 买受人 出卖人 买方 卖方 甲方 "
    "乙方 丙方 户主 户籍人 监护人 家属 家长 亲属 陪护 陪护人 配偶 丈夫 妻子 爱人 老公 老婆 前夫 "
    "前妻 父亲 母亲 爸爸 妈妈 儿子 女儿 孙子 孙女 哥哥 弟弟 姐姐 妹妹 岳父 岳母 公公 婆婆 舅舅 "
    "叔叔 姑姑 阿姨 表哥 表姐 表弟 表妹 堂哥 堂姐 堂弟 堂妹 男友 女友 男朋友 女朋友 未婚妻 "
    "未婚夫 同居人 子女 长子 长女 次子 次女 独子 司机 驾驶人 驾驶员 代驾 车主 机主 号主 骑手 "
    "快递员 配送员 外卖员 送货员 乘务员 学生 学员 考生 新生 同学 班长 班主任 辅导员 导师 老师 "
    "教师 授课教师 指导老师 指导教师 校友 室友 舍友 同桌 毕业生 研究生 博士生 作者 第一作者 "
    "通讯作者 候选人 应聘者 应聘人 求职者 面试者 面试人 面试官 被面试人 员工 职工 职员 新员工 "
    "同事 主管 前主管 上级 直属上级 直属领导 下属 领导 组长 部门负责人 被考核人 考核人 评价人 "
    "推荐人 被推荐人 介绍人 离职人员 入职人 猎头 店主 店长 掌柜 老板 卖家 买家 商家 主播 网红 "
    "博主 客服 坐席 专员 顾问 客户经理 理财经理 项目经理 产品经理 销售 销售员 业务员 信贷员 柜员 "
    "收银员 会计 出纳 财务 财务对接人 采购 采购员 仓管 仓管员 库管 保管员 保洁 保安 物业 管家 "
    "维修工 安装工 师傅 护士 责任护士 护士长 值班护士 医师 医生 主治医生 主治医师 主刀 主刀医生 "
    "管床医生 值班医生 接诊医生 接诊医师 会诊医师 麻醉师 药师 审核药师 技师 检验者 报告医师 "
    "审核医师 民警 警官 法官 审判长 审判员 书记员 检察官 律师 辩护人 公证员 执法人员 办案人 "
    "承办法官 会员 用户 客户 顾客 储户 持卡人 持证人 持有人 持票人 受理人 审批人 审核人 审核员 "
    "复核人 复核 制单 制表 制表人 记录人 记录员 校对 操作人 操作员 处理人 创建人 修改人 提交人 "
    "发起人 跟进人 值班人 值班员 管理员 设备登记人 登记所有人 注册人 使用人 借用人 领用人 保管人 "
    "交接人 接班人 居民 村民 社员 党员 退休人员 选民 代表 队员 队长 教练 选手 球员 志愿者 网友 "
    "群主 楼主 房主 邻居 被冻结人 出质人 质权人 质押人 抵押权人 转让人 受让人 背书人 出票人 "
    "收款方 付款方 随车人员 押运员 跟车员 装卸工 投递员 派件员 揽收员 团员 组员 成员 学徒 助手 "
    "搭档 队友 战友 病友 网友 牌友 球友 护工 月嫂 保姆 钟点工 阿叔 大伯 伯父 伯母 姑父 姨妈 姨父 "
    "舅妈 婶婶 嫂子 姐夫 妹夫 弟媳 儿媳 女婿 外甥 外甥女 侄子 侄女 外孙 外孙女 奶奶 爷爷 外公 "
    "外婆 姥姥 姥爷 犬子 小女 令郎 令爱 新郎 新娘 伴郎 伴娘 校长 院长 局长 处长 科长 所长 会长 "
    "社长 站长 厂长 秘书长 董事长 总经理 副总经理 副主任 主任 书记 副书记 秘书 总监 教授 副教授 "
    "讲师 博士 研究员 工程师 设计师 架构师 程序员 记者 编辑 开户名 户名 开户人 乘机人 乘车人姓名 "
    "入住人姓名 借款方 出借方 受害方 肇事司机 肇事者 失主 机主姓名 所有人 登记人 报失人 认领人 "
    "拾得人 捐赠人 捐献者 献血者 献血人 受捐人 体检人 受试者 被试 参保人员 一等奖 二等奖 三等奖 "
    "特等奖 优秀奖 获奖者 得主 冠军 亚军 季军 申請人 聯絡人 負責人 收件人 寄件人 經辦人 "
    "法定代理人 監護人 记录: 列席: 出席: 主持: 参会: 缺席: 请假: 记录人 列席 出席 主持 缺席 监考 "
    "值班 带班 带队 主刀 主诊 经办 复核 审批 批准 制单 本人 我是 您是 你是 他是 她是 请问 名为 "
    "化名 真名"
)
# Roles in which public figures appear as such.
PUBLIC_ROLES: Final = words_of(
    "作者 导演 主演 演员 歌手 主席 总统 总理 作家 诗人 选手 球员 教练 领导 代表 老师 老板 主播 "
    "创始人 董事长 院士 科学家 皇帝 将军 主持人 领导人 发明人 发明者 创办人 发现者 得主"
)
# The head of a column of names, as far as its first rows.
_HEADS: Final = words_of(
    "姓名 名字 学生 员工 客户名称 户名 联系人 报名人 收件人 收货人 患者 住户 业主 车主 成员 客户 "
    "用户 name 负责人 申请人 考生 旅客 乘客 人员 名单 名册 签到 如下"
)
AFTER_FIELD: Final = Context(words=_NAME_FIELDS, gap=8)
AFTER_ROLE: Final = Context(words=_ROLES, gap=6, filler=FILLER | frozenset("改变更换成系叫名"))
AFTER_HEAD: Final = Context(words=_HEADS, gap=60, filler=None)
# The same as far as the rows of a table go: only words that head a column of names, and for cells.
AFTER_COLUMN: Final = Context(
    words=words_of(
        "姓名 名字 户名 联系人 收件人 收货人 患者姓名 学生姓名 员工姓名 客户姓名 业主姓名 负责人 "
        "申请人 经办人 对接人 考生 旅客 乘客 住户 业主 车主 报名人 持卡人 成员 开户名 name 名单 "
        "名册"
    ),
    gap=1500,
    filler=None,
    stops=frozenset(),
)
AFTER_PEOPLE: Final = Context(
    words=words_of(
        "少数民族 外籍 外国 族 藏族 维吾尔族 哈萨克族 蒙古族 柯尔克孜族 乌孜别克族 塔吉克族 "
        "俄罗斯族 留学生"
    ),
    gap=8,
    filler=None,
)

TITLES: Final = words_of(
    "先生 女士 小姐 老太太 老先生 老爷子 太太 夫人 医生 医师 大夫 护士 护师 主任 副主任 教授 "
    "副教授 讲师 老师 导师 同学 同志 博士 院士 院长 校长 园长 所长 馆长 部长 处长 科长 股长 局长 "
    "厅长 县长 镇长 乡长 村长 组长 班长 队长 站长 厂长 店长 社长 会长 董事长 理事长 秘书长 "
    "总经理 副总 经理 总监 主管 总裁 书记 干事 委员 律师 法官 检察官 警官 民警 公证员 会计 出纳 "
    "师傅 老板 工程师 设计师 架构师 顾问 专员 助理 秘书 教练 记者 编辑 主编 主播 女侠 大哥 大姐 "
    "大叔 大爷 大妈 大娘 阿姨 叔叔 伯伯 奶奶 爷爷 妈妈 爸爸 家长 哥哥 姐姐 弟弟 妹妹 学长 学姐 "
    "学弟 学妹 师兄 师姐 您好 你好 亲启 收 敬启 台启 本人 夫妇 夫妻 一家"
)
# Parts that Tibetan, Uyghur, Kazakh and Mongolian names are made of, as written in Chinese.
PARTS: Final = words_of(
    "扎西 次仁 卓玛 多吉 旺堆 格桑 央金 达瓦 尼玛 平措 顿珠 洛桑 丹增 巴桑 拉姆 白玛 德吉 边巴 "
    "米玛 索朗 普布 拉巴 强巴 仁增 贡布 曲珍 卓嘎 旦增 群培 晋美 嘉措 加措 罗布 桑珠 班觉 玉珍 "
    "普琼 益西 才让 才旦 巴特尔 其其格 乌云 娜仁 斯琴 高娃 苏日娜 图雅 阿古拉 巴图 孟和 格日勒 "
    "朝鲁 呼格吉勒 敖登 萨仁 古丽 阿依 买买提 艾山 吐尔逊 努尔 阿不都 热合曼 买提 克里木 "
    "艾合买提 帕提古丽 热依汗 古丽娜 阿卜杜 吾买尔 玉素甫 伊力 艾力 努尔兰 叶尔肯 巴合提 别克 "
    "波拉提 哈力 木拉提 赛里克 古扎 阿迪力 迪丽 努尔古丽 阿依古丽 阿孜古丽 阿曼 居马 沙吾列 "
    "达列力 吾拉 艾尼瓦尔 热孜 玛依拉 帕尔哈提"
)
# What is written in the place of a name that is not told, or not known.
NO_NAMES: Final = frozenset(
    words_of(
        "未知 不详 不明 匿名 保密 隐藏 已隐 隐去 必填 选填 可填 同上 如下 如上 待定 待填 暂无 "
        "没有 空白 张三 李四 王五 赵六 某某 某人 本人 客户 用户 患者 测试 示例 样例 管理员 游客 "
        "先生 女士 字段 电话 手机 地址 性别 年龄 身份 证件 号码 单位 职务 部门 信息 住址 邮箱 "
        "生日 籍贯 学历 备注 方式 应当 应该 可以 需要 不能 必须 以及 或者 并且 和电 与电 及电 "
        "于是 时间 日期 年月 都是 都有 全部"
    )
)
