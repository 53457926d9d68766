package dev.lockstep;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

/**
 * Holds the arrows between the packages: {@code job -> generate -> model -> jinja} and {@code job -> world -> wire <- launch}.
 * What each may use is listed in full, so that a package or a library nobody thought of is refused rather than missed.
 */
@AnalyzeClasses(packages = "dev.lockstep", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
    private static final String JAVA = "java..";
    private static final String LOGGING = "org.slf4j..";
    private static final String JSON = "com.fasterxml.jackson..";
    private static final String DJL = "ai.djl..";
    private static final String MPJ = "mpi..";
    private static final String COMMAND_LINE = "picocli..";

    @ArchTest
    static final ArchRule wireUsesNothingButJava = only("wire", JAVA, "javax.crypto..");

    @ArchTest
    static final ArchRule worldUsesWireAndMpj = only("world", own("wire"), JAVA, LOGGING, JSON, MPJ);

    @ArchTest
    static final ArchRule launchUsesWire = only("launch", own("wire"), JAVA, "javax..", "jdk.net..",
            LOGGING, COMMAND_LINE);

    @ArchTest
    static final ArchRule jinjaUsesJava = only("jinja", JAVA, JSON);

    @ArchTest
    static final ArchRule modelUsesDjl = only("model", own("jinja"), JAVA, LOGGING, JSON, DJL, "com.sun.jna..");

    @ArchTest
    static final ArchRule generateUsesModel = only("generate", own("model"), JAVA, LOGGING, JSON, DJL, "com.sun.jna..");

    @ArchTest
    static final ArchRule jobUsesNeitherLaunchNorMpj = noClasses().that().resideInAPackage(own("job")).should()
            .dependOnClassesThat().resideInAnyPackage(own("launch"), own("wire"), MPJ).allowEmptyShould(true);

    @ArchTest
    static final ArchRule nobodyUsesJobs = noClasses().that().resideOutsideOfPackage(own("job")).should()
            .dependOnClassesThat().resideInAPackage(own("job")).allowEmptyShould(true);

    @ArchTest
    static final ArchRule everyClassIsInAPackageWithARule = classes().should().resideInAnyPackage(own("wire"),
            own("world"), own("launch"), own("jinja"), own("model"), own("generate"), own("job"));

    @ArchTest
    static final ArchRule packagesHaveNoCycles = slices().matching("dev.lockstep.(*)..").should().beFreeOfCycles()
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
        String[] allowed = new String[others.length + 1];
        System.arraycopy(others, 0, allowed, 0, others.length);
        allowed[others.length] = own(name);
        return classes().that().resideInAPackage(own(name)).should().onlyDependOnClassesThat()
                .resideInAnyPackage(allowed).allowEmptyShould(true);
    }

    private static String own(String name) {
        return "dev.lockstep." + name + "..";
    }
}
