package dev.lockstep;

import java.util.Arrays;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

/**
 * Holds the arrows between the packages: {@code batch -> prompts, results, journal, report -> generate -> decoder -> torch,
 * cuda, checkpoint}, {@code batch, bench -> world -> watch, wire <- launch} and {@code world -> mpj -> wire}, one rule for each
 * package. What each may use is listed in full, so that a package or a library nobody thought of is refused rather than
 * missed.
 */
@AnalyzeClasses(packages = {"dev.lockstep", "org.apache.log4j"}, importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String JAVA = "java..";
    private static final String LOGGING = "org.slf4j..";
    private static final String JSON = "com.fasterxml.jackson..";
    private static final String DJL = "ai.djl..";
    private static final String MPJ = "mpi..";
    /** MPJ Express's own layers under its API. */
    private static final String MPJ_BELOW = "mpj(buf|dev)..";
    private static final String MPJS_LOGGING = "org.apache.log4j..";
    private static final String UCX = "org.openucx.jucx..";
    private static final String JNA = "com.sun.jna..";
    private static final String JUNIT = "org.junit.jupiter.api..";
    private static final String AUTOMATA = "org.apache.lucene.util.automaton..";
    private static final String COMMAND_LINE = "picocli..";

    @ArchTest
    static final ArchRule hostUsesJava = only("host", JAVA);

    @ArchTest
    static final ArchRule jsonUsesHost = only("json", own("host"), JAVA, JSON);

    @ArchTest
    static final ArchRule wireUsesHost = only("wire", own("host"), JAVA);

    @ArchTest
    static final ArchRule watchUsesWire = only("watch", own("wire"), own("host"), JAVA);

    @ArchTest
    static final ArchRule launchUsesWire = only("launch", own("watch"), own("wire"), own("cli"), own("host"), JAVA,
            "javax..",
            "jdk.net..",
            "com.sun.source..", // programs that are source files
            LOGGING, COMMAND_LINE);

    @ArchTest
    static final ArchRule launchersRoomsUseOnlyThoseBelow = layeredArchitecture()
            .consideringOnlyDependenciesInAnyPackage(own("launch"))
            .layer("launcher").definedBy("dev.lockstep.launch")
            .layer("remote").definedBy("dev.lockstep.launch.remote")
            .layer("local").definedBy("dev.lockstep.launch.local")
            .layer("output").definedBy("dev.lockstep.launch.output")
            .layer("ranks").definedBy("dev.lockstep.launch.ranks")
            .whereLayer("launcher").mayNotBeAccessedByAnyLayer()
            .whereLayer("remote").mayOnlyAccessLayers("local", "output", "ranks")
            .whereLayer("local").mayOnlyAccessLayers("output", "ranks")
            .whereLayer("output").mayOnlyAccessLayers("ranks")
            .whereLayer("ranks").mayNotAccessAnyLayer();

    @ArchTest
    static final ArchRule worldUsesWireAndMpj = only("world", own("mpj"), own("watch"), own("wire"), own("host"), JAVA,
            LOGGING, JSON, MPJ, MPJ_BELOW);

    @ArchTest
    static final ArchRule deviceUsesWorldAndTorchAndCuda = only("device", own("world"), own("torch"), own("cuda"),
            own("djl"), own("host"), JAVA, LOGGING, DJL, JNA);

    @ArchTest
    static final ArchRule junitUsesWorld = only("junit", own("world"), JAVA, JUNIT);

    @ArchTest
    static final ArchRule mpjUsesWireAndMpjExpressAndUcx = only("mpj", own("wire"), JAVA, "javax.net.ssl..", "mpjbuf..",
            "mpjdev..",
            "xdev..", UCX);

    @ArchTest
    static final ArchRule mpjIsSeenWhereItIsStartedAndByItsTransport = noClasses().that()
            .haveNameNotMatching(
                    "dev\\.lockstep\\.(mpj\\..*|world\\.(transport\\.MpjTransport|rank\\.Bootstrap|MpjExpressLauncher)(\\$.*)?)")
            .should().dependOnClassesThat().resideInAnyPackage(MPJ, MPJ_BELOW);

    @ArchTest
    static final ArchRule mpjsLoggingUsesSlf4j = classes().that().resideInAPackage(MPJS_LOGGING).should()
            .onlyDependOnClassesThat().resideInAnyPackage(MPJS_LOGGING, JAVA, LOGGING, "org.jspecify.annotations");

    @ArchTest
    static final ArchRule mpjsLoggingIsForMpj = noClasses().that().resideInAPackage("dev.lockstep..").should()
            .dependOnClassesThat().resideInAPackage(MPJS_LOGGING);

    @ArchTest
    static final ArchRule djlUsesHost = only("djl", own("host"), JAVA, LOGGING, DJL, JNA);

    @ArchTest
    static final ArchRule torchUsesDjl = only("torch", own("djl"), own("host"), JAVA, LOGGING, DJL, JNA);

    @ArchTest
    static final ArchRule cudaUsesDjl = only("cuda", own("djl"), own("host"), JAVA, LOGGING, JNA);

    @ArchTest
    static final ArchRule modelUsesHost = only("model", own("json"), own("host"), JAVA, LOGGING, JSON);

    @ArchTest
    static final ArchRule familiesUseModel = only("family", own("model"), own("json"), own("host"), JAVA, JSON);

    @ArchTest
    static final ArchRule checkpointUsesFamiliesAndModel = only("checkpoint", own("family"), own("model"), own("json"),
            own("host"), JAVA, "javax.net.ssl",
            LOGGING, JSON);

    @ArchTest
    static final ArchRule hubKnowsNothingOfCheckpoints = only("checkpoint.hub", own("json"), own("host"), JAVA,
            "javax.net.ssl", LOGGING, JSON);

    @ArchTest
    static final ArchRule checkpointsKnowNothingOfAdapters = noClasses().that()
            .resideInAPackage("dev.lockstep.checkpoint").should().dependOnClassesThat()
            .resideInAPackage(own("checkpoint.lora"));

    @ArchTest
    static final ArchRule hubAloneAsksOtherHosts = noClasses().that().resideOutsideOfPackage(own("checkpoint.hub"))
            .should().dependOnClassesThat().resideInAPackage("java.net.http");

    @ArchTest
    static final ArchRule jinjaUsesJava = only("jinja", JAVA, JSON);

    @ArchTest
    static final ArchRule tokenizerUsesJinjaAndCheckpoint = only("tokenizer", own("jinja"), own("checkpoint"),
            own("model"),
            own("djl"), own("host"), JAVA, LOGGING, JSON, DJL);

    @ArchTest
    static final ArchRule decoderUsesTorchAndCudaAndCheckpoint = only("decoder", own("torch"), own("cuda"),
            own("checkpoint"), own("model"), own("djl"), own("host"), JAVA, LOGGING, DJL, JNA);

    @ArchTest
    static final ArchRule decodersBooksUseNothing = only("decoder.kv", JAVA);

    @ArchTest
    static final ArchRule samplingsSettingsUseNothing = only("decoder.sampling", JAVA);

    @ArchTest
    static final ArchRule shardsUseCheckpoint = only("decoder.shard", own("checkpoint"), own("model"), own("torch"),
            JAVA);

    @ArchTest
    static final ArchRule replicaUsesWorldAndDecoder = only("replica", own("world"), own("device"), own("decoder"),
            own("torch"), own("cuda"), own("host"), JAVA);

    @ArchTest
    static final ArchRule decodersProgramIsCalledInOnePlace = noClasses().that().resideInAPackage(own("decoder"))
            .and().doNotHaveSimpleName("DecoderProgram").and().doNotHaveSimpleName("ProgramWeights").should()
            .dependOnClassesThat()
            .haveSimpleName("TorchScriptProgram");

    @ArchTest
    static final ArchRule grammarUsesLucene = only("grammar", JAVA, JSON, AUTOMATA);

    @ArchTest
    static final ArchRule generateUsesDecoder = only("generate", own("decoder"), own("grammar"), own("torch"),
            own("checkpoint"),
            own("model"),
            own("tokenizer"), own("host"), JAVA, LOGGING, JSON);

    @ArchTest
    static final ArchRule promptsUseGenerate = only("prompts", own("generate"), own("grammar"), own("tokenizer"),
            own("checkpoint"),
            own("model"),
            own("djl"), own("json"), own("host"), JAVA, LOGGING, JSON);

    @ArchTest
    static final ArchRule resultsUsePrompts = only("results", own("prompts"), own("generate"), own("decoder"),
            own("tokenizer"), own("json"), own("host"), JAVA, LOGGING, JSON);

    @ArchTest
    static final ArchRule journalUsesResults = only("journal", own("results"), own("prompts"), own("checkpoint"),
            own("model"),
            own("json"), own("host"), JAVA, LOGGING, JSON);

    @ArchTest
    static final ArchRule reportUsesResults = only("report", own("results"), own("prompts"), own("generate"),
            own("json"), own("host"), JAVA, LOGGING, JSON);

    @ArchTest
    static final ArchRule cliUsesDecoder = only("cli", own("decoder"), own("host"), JAVA, COMMAND_LINE);

    @ArchTest
    static final ArchRule batchUsesWorldAndAllAboveGenerate = only("batch", own("world"), own("replica"),
            own("cli"), own("report"),
            own("journal"), own("results"), own("prompts"), own("grammar"), own("generate"), own("decoder"),
            own("torch"),
            own("tokenizer"), own("checkpoint"), own("model"), own("djl"), own("json"), own("host"), JAVA, LOGGING,
            JSON,
            COMMAND_LINE);

    @ArchTest
    static final ArchRule benchUsesWorldAndGenerate = only("bench", own("world"), own("replica"),
            own("cli"), own("generate"),
            own("decoder"), own("torch"), own("checkpoint"), own("family"), own("model"), own("djl"),
            own("json"), own("host"), JAVA,
            LOGGING, JSON,
            COMMAND_LINE);

    @ArchTest
    static final ArchRule everyClassIsInAPackageWithARule = classes().should().resideInAnyPackage(own("host"),
            own("json"), own("wire"), own("watch"), own("launch"), own("world"), own("junit"), own("mpj"), own("djl"),
            own("device"), own("replica"),
            own("torch"), own("cuda"),
            own("checkpoint"), own("family"), own("model"), own("jinja"), own("tokenizer"), own("decoder"),
            own("grammar"), own("generate"),
            own("prompts"),
            own("results"), own("journal"), own("report"), own("cli"), own("batch"), own("bench"), MPJS_LOGGING);

    @ArchTest
    static final ArchRule packagesHaveNoCycles = slices().matching("dev.lockstep.(**)").should().beFreeOfCycles()
            .allowEmptyShould(true);

    @ArchTest
    static final ArchRule jinjasRoomsUseOnlyThoseBelow = layeredArchitecture()
            .consideringOnlyDependenciesInAnyPackage(own("jinja"))
            .layer("template").definedBy("dev.lockstep.jinja")
            .layer("syntax").definedBy("dev.lockstep.jinja.syntax")
            .layer("filters").definedBy("dev.lockstep.jinja.filters")
            .layer("runtime").definedBy("dev.lockstep.jinja.runtime")
            .layer("python").definedBy("dev.lockstep.jinja.python")
            .layer("values").definedBy("dev.lockstep.jinja.python.values")
            .layer("rendering").definedBy("dev.lockstep.jinja.rendering")
            .whereLayer("syntax").mayOnlyAccessLayers("filters", "runtime", "python", "values", "rendering")
            .whereLayer("filters").mayOnlyAccessLayers("python", "values", "rendering")
            .whereLayer("runtime").mayOnlyAccessLayers("python", "values", "rendering")
            .whereLayer("python").mayOnlyAccessLayers("values", "rendering")
            .whereLayer("values").mayOnlyAccessLayers("rendering")
            .whereLayer("rendering").mayNotAccessAnyLayer();

    @ArchTest
    static final ArchRule everyClassOfJinjaIsInARoomWithARule = classes().that().resideInAPackage(own("jinja"))
            .should().resideInAnyPackage("dev.lockstep.jinja", "dev.lockstep.jinja.syntax",
                    "dev.lockstep.jinja.filters", "dev.lockstep.jinja.runtime", "dev.lockstep.jinja.python",
                    "dev.lockstep.jinja.python.values", "dev.lockstep.jinja.rendering");

    @ArchTest
    static final ArchRule jinjasRoomsHaveNoCycles = slices().matching("dev.lockstep.jinja.(**)").should()
            .beFreeOfCycles();

    private static ArchRule only(String name, String... others) {
        String[] allowed = Arrays.copyOf(others, others.length + 2);
        allowed[others.length] = own(name);
        allowed[others.length + 1] = "org.jspecify.annotations";
        return classes().that().resideInAPackage(own(name)).should().onlyDependOnClassesThat()
                .resideInAnyPackage(allowed).allowEmptyShould(true);
    }

    private static String own(String name) {
        return "dev.lockstep." + name + "..";
    }
}
